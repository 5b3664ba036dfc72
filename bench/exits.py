"""How long a container outlives its command: from the command's death to the end of its parent.

A command here waits for a line, prints the time and dies. All are started beforehand and have been running for a
second, the wrappers' connections are up, and one is let go at a time: in turn one of each program.
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from subprocess import Popen

from bench.bus import prepare_group
from bench.figures import Figure, Table, ratios
from bench.latency import COMMAND
from bench.parenting import PLAIN, ending, let_go, reporting, start, wait_for_events
from bench.programs import Program, Programs
from bench.progress import say
from bench.servers import Server

EACH = 100
"""Deaths of each program in a round: the fewest that have a p99."""

PAUSE = 0.005
RAN_SECONDS = 1.0
TARGET = "≤ 5 ms more than tini, p99"


def measure(server: Server, programs: Programs, rounds: int) -> Table:
    """Measure tini and the wrapper in both forms, once a round."""
    tini = programs.inits[0]
    times: dict[Program, list[list[float]]] = {one: [] for one in (tini, *programs.wrappers)}
    present = [one for one in times if not one.absent]
    for number in range(rounds):
        say(f"footprint: exit, {number} of {rounds}")
        for one, taken in die_each(server, present).items():
            times[one].append(taken)
    server.clear()
    rows = tuple(describe(one, taken, times[tini]) for one, taken in times.items())
    return Table("Footprint: exit to container exit", notes(server, programs), rows)


def die_each(server: Server, present: list[Program]) -> dict[Program, list[float]]:
    """Let commands die by turns; return the milliseconds from each death to its parent's end."""
    server.clear()
    prepare_group(server.url)
    environments: dict[Program, Callable[[], Mapping[str, str]]] = {
        one: (lambda: PLAIN) if one.name == "tini" else (lambda: reporting(server.url)) for one in present
    }
    with ExitStack() as stack:
        started = {
            one: [stack.enter_context(ending(start((*one.words, *COMMAND), told()))) for _ in range(EACH)]
            for one, told in environments.items()
        }
        wait_for_events(server, EACH * sum(one.name != "tini" for one in present))
        time.sleep(RAN_SECONDS)
        turns = zip(*started.values(), strict=True)
        taken = [[die(process) for process in turn] for turn in turns]
    return dict(zip(started, map(list, zip(*taken, strict=True)), strict=True))


def die(process: "Popen[bytes]") -> float:
    """Let a command die; return the milliseconds until its parent was waited for."""
    time.sleep(PAUSE)
    let_go(process)
    code = process.wait()
    ended = time.time_ns()
    assert code == 0, f"a parent ended with {code}"
    assert process.stdout is not None
    return (ended - int(os.read(process.stdout.fileno(), 100))) / 1e6


def describe(program: Program, rounds: list[list[float]], tini: list[list[float]]) -> dict[str, Figure | str]:
    if program.absent:
        return {"what": f"{program.name}: {program.absent}"}
    row: dict[str, Figure | str] = {
        "what": program.name,
        "p50 ms": Figure(tuple(map(statistics.median, rounds))),
        "p99 ms": Figure(tuple(map(p99, rounds))),
        "largest ms": Figure(tuple(map(max, rounds))),
    }
    if tini and program.name != "tini":
        more = [p99(ours) - p99(theirs) for ours, theirs in zip(rounds, tini, strict=True)]
        row["p50 of tini's"] = ratios([*map(statistics.median, rounds)], [*map(statistics.median, tini)])
        row["p99 ms more than tini"] = Figure(tuple(more))
    if program.name != "tini":
        row["target"] = TARGET
    return row


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def notes(server: Server, programs: Programs) -> tuple[str, ...]:
    return (
        f"{EACH} deaths of each in a round, by turns; the ending goes to {server.name}, no TLS",
        "the death is when `date` asks for the time, just before it exits",
        *programs.notes,
    )
