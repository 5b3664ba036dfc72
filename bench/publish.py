"""How many events a server accepts through the publish script, beside the same number of bare XADD.

Calls of 100 events are packed before the clock starts, as redis-benchmark packs its own: what is measured is the
server. It keeps a record for each dispatch, refuses what is late or twice, and owes each ending to a group.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from eightbells.events.contract.scripts import Report

from bench import floor
from bench.bus import BATCH, CONNECTIONS, pack, prepare_group, publish_all, share_out
from bench.events import completed, dispatches, running
from bench.figures import Figure, Table, ratios
from bench.progress import say
from bench.servers import Server, cpu_seconds

EVENTS = 20_000
TARGET = "≥ 0.2 of XADD, 3 bytes"

SIZE = len(completed(next(dispatches(1))).document)


def start_each(names: Sequence[str]) -> Iterator[Report]:
    """Each dispatch starts."""
    return map(running, names)


def end_each(names: Sequence[str]) -> Iterator[Report]:
    """Each dispatch ends, and nothing was heard of it before."""
    return map(completed, names)


def start_and_end_each(names: Sequence[str]) -> Iterator[Report]:
    """What a dispatch has in its life: 50 start, then 50 end that started before those."""
    half = BATCH // 2
    before: Sequence[str] = ()
    for first in range(0, len(names), half):
        started = names[first : first + half]
        yield from map(running, started)
        yield from map(completed, before)
        before = started
    yield from map(completed, before)


WORKLOADS: dict[str, tuple[int, Callable[[Sequence[str]], Iterable[Report]]]] = {
    "publish: running": (EVENTS, start_each),
    f"publish: completed, {SIZE} bytes": (EVENTS, end_each),
    "publish: running + completed, a dispatch each": (EVENTS // 2, start_and_end_each),
}
"""How many dispatches, and what is reported of them."""

SMALL = "redis-benchmark XADD, 3 bytes"
LARGE = f"redis-benchmark XADD, {SIZE} bytes"


def measure(server: Server, rounds: int) -> Table:
    """Measure everything once in each round."""
    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    for number in range(rounds):
        say(f"{server.name}: publish, round {number + 1} of {rounds}")
        if floor.is_present():
            rates.setdefault(SMALL, []).append(floor.rate(server, floor.SMALL))
            rates.setdefault(LARGE, []).append(floor.rate(server, SIZE, 50_000))
        for name, (count, report) in WORKLOADS.items():
            rate, cost = publish_once(server, count, report)
            rates.setdefault(name, []).append(rate)
            costs.setdefault(name, []).append(cost)
    server.clear()
    return Table(f"Publish, {server.name}", notes(), tuple(compare(rates, costs)))


def publish_once(
    server: Server, count: int, report: Callable[[Sequence[str]], Iterable[Report]]
) -> tuple[float, float]:
    """Return events a second, and the server's microseconds of CPU for one."""
    server.clear()
    groups = prepare_group(server.url)
    shares = [pack(groups, report(names)) for names in share_out(count)]
    before = cpu_seconds(server.url)
    seconds = publish_all(server.path, shares, EVENTS)
    return EVENTS / seconds, (cpu_seconds(server.url) - before) / EVENTS * 1e6


def compare(rates: dict[str, list[float]], costs: dict[str, list[float]]) -> Iterator[dict[str, Figure | str]]:
    if SMALL not in rates:
        yield {"what": f"redis-benchmark XADD: {floor.ABSENT}"}
    for name, values in rates.items():
        row: dict[str, Figure | str] = {"what": name, "a second": Figure(tuple(values))}
        if SMALL in rates and name in WORKLOADS:
            row["of XADD, 3 bytes"] = ratios(values, rates[SMALL])
            row[f"of XADD, {SIZE} bytes"] = ratios(values, rates[LARGE])
            row["target"] = TARGET
        if name in costs:
            row["server µs each"] = Figure(tuple(costs[name]))
        yield row


def notes() -> tuple[str, ...]:
    return (
        f"{EVENTS:,} events in calls of {BATCH} over {CONNECTIONS} connections, one group registered, all accepted",
        "the script writes a completed document twice: into the log, as XADD does, and into the record",
        "redis-benchmark -c 50 -P 100",
    )
