"""What it costs to start a command under the wrapper, and how long the command has to wait for its first instruction.

Every figure is a difference to the same command started bare in the same round. `date +%s%N` asks for the clock just
before it ends, alone as under a parent, so that the difference is the time from the program's execve to the command's.
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from subprocess import DEVNULL, PIPE, run

from bench.bus import prepare_group
from bench.figures import Figure, Table, ratios
from bench.parenting import PLAIN, Series, interleave, reporting
from bench.programs import Program, Programs
from bench.servers import Server

TRUE = "/bin/true"
CLOCK = ("/bin/date", "+%s%N")
SPAWN = "import posix; posix.waitpid(posix.posix_spawn({path!r}, {words!r}, posix.environ), 0)"
EXECUTE = "import posix; posix.execv({path!r}, {words!r})"
GROUPS = 5
"""A ratio is one of medians, and has a range because it is taken so many times."""

STARTS, COMMANDS = 200, 100
MILLION = 1e6


def measure_overhead(programs: Programs) -> Table:
    """Measure what is added to `/bin/true`, from the call that starts it to the one that has waited for it."""
    bare = Program("bare", ())
    spawner = programs.script(SPAWN.format(path=TRUE, words=[TRUE]))
    wrapped = {one: (*one.words, TRUE) for one in (*programs.wrappers, *programs.inits)}
    commands = {bare: (TRUE,), spawner: spawner.words, **wrapped}
    series = interleave("start overhead", {one: starter(words) for one, words in commands.items()}, STARTS)
    notes = (
        f"`{TRUE}`, reporting off, {STARTS} rounds by turns; of the bare command itself the whole time",
        f"ratios are of medians of {STARTS // GROUPS} rounds",
        *programs.notes,
    )
    return Table("Footprint: start overhead", notes, compare(series, "ms more than bare", "≤ 1.4", programs))


def starter(words: tuple[str, ...]) -> Callable[[], float]:
    """Return what runs a program to its end and returns the milliseconds that took."""
    quiet = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)]

    def take() -> float:
        begun = time.perf_counter()
        _, status = os.waitpid(os.posix_spawn(words[0], words, PLAIN, file_actions=quiet), 0)
        seconds = time.perf_counter() - begun
        assert status == 0, f"{words} ended with status {status}"
        return seconds * 1e3

    return take


def measure_command(server: Server, programs: Programs) -> Table:
    """Measure the time from a program's execve to that of its command, with reporting on."""
    prepare_group(server.url)
    bare = Program("bare", ())
    executor = programs.script(EXECUTE.format(path=CLOCK[0], words=list(CLOCK)))
    takers = {bare: clock(CLOCK, lambda: PLAIN), executor: clock(executor.words, lambda: PLAIN)}
    for one in programs.wrappers:
        takers[one] = clock((*one.words, *CLOCK), lambda: reporting(server.url))
    series = interleave("time to the command", takers, COMMANDS)
    server.clear()
    notes = (
        f"`{' '.join(CLOCK)}`, {COMMANDS} rounds by turns, reporting to {server.name}",
        "the interpreter alone executes the command as its first and only act: the time is that of its own start",
        f"ratios are of medians of {COMMANDS // GROUPS} rounds",
    )
    return Table("Footprint: time to the command", notes, compare(series, "ms to its execve", "≤ 1.3", programs))


def clock(words: Sequence[str], environment: Callable[[], Mapping[str, str]]) -> Callable[[], float]:
    """Return what runs a program and returns the milliseconds from its start until its command asked for the time."""

    def take() -> float:
        told = environment()
        begun = time.time_ns()
        done = run(words, env=told, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, check=True)
        return (int(done.stdout) - begun) / MILLION

    return take


def compare(series: list[Series], column: str, target: str, programs: Programs) -> tuple[dict[str, Figure | str], ...]:
    """Return a row for each: what it took beyond the bare command, and how that compares with the interpreter."""
    bare, floor, *others = series
    added = [Series(one.program, subtract(one, bare)) for one in (floor, *others)]
    rows = [bare.row(column, {})]
    for one in added:
        more: dict[str, Figure | str] = {}
        if one.taken and one is not added[0]:
            more["of the interpreter"] = ratios(medians(one.taken), medians(added[0].taken))
        if one.program == programs.runtime:  # what pip installs starts two interpreters, and says so
            more["target"] = target
        rows.append(one.row(column, more))
    return tuple(rows)


def subtract(one: Series, bare: Series) -> list[float]:
    return [taken - least for taken, least in zip(one.taken, bare.taken, strict=bool(one.taken))]


def medians(values: Sequence[float]) -> list[float]:
    """Return the median of each part of the run."""
    size = len(values) // GROUPS
    return [statistics.median(values[first : first + size]) for first in range(0, size * GROUPS, size)]
