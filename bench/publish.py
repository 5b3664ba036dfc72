"""How many events a server accepts through the publish script, beside the same number of bare XADD.

Calls of 100 events are packed before the clock starts, as redis-benchmark packs its own: what is measured is the
server. It keeps a record for each dispatch, refuses what is late or twice, and owes each ending to a group.
"""

from collections.abc import Callable, Iterable, Iterator

from eightbells.events.contract.scripts import Report

from bench import floor
from bench.bus import BATCH, CONNECTIONS, pack, prepare_group, publish_all
from bench.events import completed, dispatches, running
from bench.figures import Figure, Table, ratios
from bench.progress import say
from bench.servers import Server, cpu_seconds

EVENTS = 20_000
TARGET = "≥ 0.2 of XADD, 3 bytes"

SIZE = len(completed(next(dispatches(1))).document)


def each_running() -> Iterator[Report]:
    """A dispatch starts."""
    return map(running, dispatches(EVENTS))


def each_completed() -> Iterator[Report]:
    """A dispatch ends that nothing was heard of before."""
    return map(completed, dispatches(EVENTS))


def each_in_turn() -> Iterator[Report]:
    """What a dispatch has in its life: 50 start in a call, and 50 of the call before end."""
    half, before = BATCH // 2, list[str]()
    names = dispatches(EVENTS // 2)
    for _ in range(EVENTS // BATCH):
        started = [next(names) for _ in range(half)]
        yield from map(running, started)
        yield from map(completed, before)
        before = started
    yield from map(completed, before)


WORKLOADS: dict[str, Callable[[], Iterable[Report]]] = {
    "publish: running": each_running,
    f"publish: completed, {SIZE} bytes": each_completed,
    "publish: running + completed, a dispatch each": each_in_turn,
}
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
        for name, reports in WORKLOADS.items():
            rate, cost = publish_once(server, reports())
            rates.setdefault(name, []).append(rate)
            costs.setdefault(name, []).append(cost)
    server.clear()
    return Table(f"Publish, {server.name}", notes(), tuple(compare(rates, costs)))


def publish_once(server: Server, reports: Iterable[Report]) -> tuple[float, float]:
    """Return events a second, and the server's microseconds of CPU for one."""
    server.clear()
    calls = pack(prepare_group(server.url), reports)
    before = cpu_seconds(server.url)
    seconds = publish_all(server.path, calls, EVENTS)
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
