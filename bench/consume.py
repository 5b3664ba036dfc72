"""How many events a second a consumer handles, beside redis-benchmark and three libraries on the same server.

Each library runs alone in a process of its own (`bench/drains/`), takes events that are there already, one handler
call for each, and its handler does nothing. What each does for an event differs: ours takes a lease with a fence and
commits atomically, FastStream and taskiq acknowledge, docket acknowledges and keeps no state.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

from msgspec import Struct

from bench import floor
from bench.figures import Figure, Table, ratios
from bench.progress import say
from bench.servers import Server

LIBRARIES = {"eightbells": 20_000, "faststream": 3_000, "taskiq": 2_000, "docket": 1_500}
"""How many events each is given: about a second of work."""

TARGETS = "≥ 0.15 of XADD, ≥ 8 FastStreams"
OURS = "eightbells"
SECONDS = 60
"""A library that takes longer has stopped: at a hundredth of its usual rate it would have come through."""

PACKAGES = {"eightbells": "eightbells-consumer", "taskiq": "taskiq-redis", "docket": "pydocket"}
SETTINGS = {
    "faststream": "MsgSpecSerializer, no logger, max_records=500, group, acknowledged after the handler",
    "taskiq": "RedisStreamBroker, ORJSONSerializer, xread_count=500, 100 tasks at once, no result backend",
    "docket": "execution_ttl=0, 50 tasks at once, minimum_check_interval 1 ms",
    "eightbells": "as it comes",
}


class Drained(Struct, frozen=True):
    """Of one run: events a second, and microseconds of CPU for each event."""

    rate: float
    server: float
    client: float


def measure(server: Server, rounds: int) -> Table:
    """Let each library have its turn in each round."""
    runs: dict[str, list[Drained]] = {library: [] for library in LIBRARIES}
    floors: list[float] = []
    for number in range(rounds):
        if floor.is_present():
            floors.append(floor.rate(server, floor.SMALL))
        for library, count in LIBRARIES.items():
            say(f"{server.name}: consume, round {number + 1} of {rounds}, {library}")
            runs[library].append(drain(server, library, count))
    server.clear()
    return Table(f"Consume, {server.name}", notes(), tuple(compare(runs, floors)))


def drain(server: Server, library: str, count: int) -> Drained:
    """Run one library in a process of its own."""
    server.clear()
    command = [sys.executable, "-m", "bench.drain", library, server.url, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=SECONDS)
    took = json.loads(done.stdout)
    return Drained(count / took["seconds"], took["server"] / count * 1e6, took["client"] / count * 1e6)


def compare(runs: dict[str, list[Drained]], floors: list[float]) -> Iterator[dict[str, Figure | str]]:
    if floors:
        yield {"what": "redis-benchmark XADD, 3 bytes", "a second": Figure(tuple(floors))}
    else:
        yield {"what": f"redis-benchmark XADD: {floor.ABSENT}"}
    ours = [run.rate for run in runs[OURS]]
    for library, drained in runs.items():
        rates = [run.rate for run in drained]
        row: dict[str, Figure | str] = {"what": name(library), "a second": Figure(tuple(rates))}
        if floors:
            row["of XADD"] = ratios(rates, floors)
        if library == OURS:
            row["target"] = TARGETS
        else:
            row["eightbells to this"] = ratios(ours, rates)
        row["server µs each"] = Figure(tuple(run.server for run in drained))
        row["client µs each"] = Figure(tuple(run.client for run in drained))
        yield row


def name(library: str) -> str:
    package = PACKAGES.get(library, library)
    return f"{package} {metadata.version(package)}"


def notes() -> tuple[str, ...]:
    return tuple(f"{name(library)}: {LIBRARIES[library]:,} events, {SETTINGS[library]}" for library in LIBRARIES)
