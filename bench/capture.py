"""How fast a command's output passes: through a bare pipe, through `tee` to a file in memory, through the wrapper.

The reader is this process, the pipes are as they are found. That every byte arrives is checked beforehand, by hash and
without a clock, because a hash is slower than what is measured.
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

from msgspec import Struct

from bench.bus import prepare_group
from bench.figures import Figure, Table, ratios
from bench.parenting import PLAIN, Series, interleave, reporting
from bench.programs import Program, Programs
from bench.progress import say
from bench.servers import Server

MEMORY = Path("/dev/shm")  # noqa: S108  # a file in memory is what is meant
READ_BYTES = 1 << 18
LINE = "a short line as programs print\n"
PRINT = f"import posix\nfor _ in range(1_000_000): posix.write(1, {LINE.encode()!r})"

BARE = Program("a bare pipe")


class Load(Struct, frozen=True):
    """A command's output: what it is, the command, its bytes, what is wanted of the wrapper, and turns in a round."""

    name: str
    words: tuple[str, ...]
    size: int
    target: str
    turns: int = 1


LOADS = (
    Load("2 GiB of zeros", ("dd", "if=/dev/zero", "bs=64K", "count=32768", "status=none"), 2 << 30, "≥ 1.5 of tee"),
    Load("10 M lines, in blocks", ("seq", "10000000"), 78_888_897, "≥ 0.9 of tee", 5),
    Load("1 M lines, a write each", (sys.executable, "-ISc", PRINT), len(LINE) * 1_000_000, "≥ 0.9 of tee"),
)


def measure(server: Server, programs: Programs, rounds: int) -> Table:
    """Let each load pass each way, once a round."""
    prepare_group(server.url)
    rows: list[dict[str, Figure | str]] = []
    for load in LOADS:
        check(load, server, programs)
        series = interleave(f"capture, {load.name}", takers(load, server, programs), rounds * load.turns)
        rows += describe(load, series, programs)
        server.clear()
    notes = (
        f"reporting to {server.name}; the hash of what came through the wrapper was that of the bare pipe",
        "64 KiB in each pipe as found, three processes at once at most with this reader",
        *programs.notes,
    )
    return Table("Footprint: capture", notes, tuple(rows))


def takers(load: Load, server: Server, programs: Programs) -> dict[Program, Callable[[], float]]:
    """Return, by who is between command and reader, what lets the load pass and returns MB a second."""

    def timed(words: tuple[str, ...], environment: Callable[[], Mapping[str, str]]) -> Callable[[], float]:
        return lambda: rate(words, environment(), load.size)

    found = {BARE: timed(load.words, lambda: PLAIN), find_tee(load.size): lambda: tee(load)}
    for one in programs.wrappers:
        found[one] = timed((*one.words, *load.words), lambda: reporting(server.url))
    return found


def find_tee(size: int) -> Program:
    """Return coreutils' tee, if its file fits into memory."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < 2 * size:
        return Program("tee", absent=f"{MEMORY} has no room for twice {size:,} bytes")
    return Program("tee to a file in tmpfs")


def tee(load: Load) -> float:
    """Let the load pass through tee and return MB a second."""
    file = MEMORY / f"eightbells-bench-{os.getpid()}"
    try:
        script = ("/bin/sh", "-c", 'file=$1; shift; "$@" | tee "$file"', "sh", str(file), *load.words)
        return rate(script, PLAIN, load.size)
    finally:
        file.unlink(missing_ok=True)


def rate(words: tuple[str, ...], environment: Mapping[str, str], size: int) -> float:
    """Read what a program writes; return MB a second from the first byte on: its start has a table."""
    passed = 0

    def count(chunk: memoryview) -> None:
        nonlocal passed
        passed += len(chunk)

    seconds = read(words, environment, count)
    assert passed == size, f"{passed:,} bytes of {size:,} passed through {words[0]}"
    return size / 1e6 / seconds


def check(load: Load, server: Server, programs: Programs) -> None:
    """Check by hash that the wrapper passes on what a bare pipe does."""
    say(f"footprint: capture, {load.name}, hash")
    expected = digest(load.words, PLAIN)
    for one in programs.wrappers:
        if not one.absent:
            found = digest((*one.words, *load.words), reporting(server.url))
            assert found == expected, f"{one.name}: {load.name} did not come through as they were written"


def digest(words: tuple[str, ...], environment: Mapping[str, str]) -> str:
    seen = hashlib.sha256()
    read(words, environment, seen.update)
    return seen.hexdigest()


def read(words: tuple[str, ...], environment: Mapping[str, str], take: Callable[[memoryview], None]) -> float:
    """Read what a program writes; return the seconds from its first byte to its last, its exit not among them."""
    buffer, begun = memoryview(bytearray(READ_BYTES)), 0.0
    with Popen(words, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL) as process:
        assert process.stdout is not None
        while count := os.readv(process.stdout.fileno(), [buffer]):
            begun = begun or time.perf_counter()
            take(buffer[:count])
        seconds = time.perf_counter() - begun
    assert process.returncode == 0, f"{words[0]} ended with {process.returncode}"
    return seconds


def describe(load: Load, series: list[Series], programs: Programs) -> list[dict[str, Figure | str]]:
    bare, tee, *_ = series
    rows = []
    for one in series:
        more: dict[str, Figure | str] = {}
        if one.taken and one is not bare:
            more["of a bare pipe"] = ratios(one.taken, bare.taken)
            if tee.taken and one is not tee:
                more["of tee"] = ratios(one.taken, tee.taken)
        if one.program in programs.wrappers:
            more["target"] = load.target
        row = one.row("MB/s", more)
        rows.append(row | {"what": f"{load.name}: {row['what']}"})
    return rows
