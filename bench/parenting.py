"""How a command is started under each program, with reporting on or off, and how the programs take turns."""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from subprocess import DEVNULL, PIPE, Popen

from eightbells.consumer.connection import connect_blocking
from eightbells.events.contract import keys
from msgspec import Struct

from bench.bus import NAMESPACE
from bench.figures import Figure
from bench.programs import Program
from bench.progress import say
from bench.servers import Server
from bench.waiting import wait_until

PREFIX = "EIGHTBELLS_"
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
"""An environment in which nothing is reported."""

LIMIT = 60
"""Seconds after which a command that was let go has failed."""

_numbers = itertools.count()


class Series(Struct, frozen=True):
    """What one program took, in the order of the rounds; nothing where it is absent."""

    program: Program
    taken: list[float]

    def row(self, column: str, more: dict[str, Figure | str]) -> dict[str, Figure | str]:
        """Return what a table says of it: its figures, or why there are none."""
        if self.program.absent:
            return {"what": f"{self.program.name}: {self.program.absent}"}
        return {"what": self.program.name, column: Figure(tuple(self.taken)), **more}


def interleave(what: str, takers: Mapping[Program, Callable[[], float]], times: int) -> list[Series]:
    """Let each program have its turn, so many times, and say now and then how far that is."""
    series = [Series(program, []) for program in takers]
    for number in range(times):
        if number % -(-times // 4) == 0:
            say(f"footprint: {what}, {number} of {times}")
        for one in series:
            if not one.program.absent:
                one.taken.append(takers[one.program]())
    return series


def reporting(url: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which a dispatch of its own is reported; `more` is told beside that, or instead."""
    told = {"URL": url, "DISPATCH_ID": f"bench-footprint-{next(_numbers)}", "NAMESPACE": NAMESPACE, **(more or {})}
    return {**PLAIN, **{f"{PREFIX}{name}": value for name, value in told.items()}}


def start(words: Sequence[str], environment: Mapping[str, str], stdout: int = PIPE) -> "Popen[bytes]":
    """Start a program whose command waits for us on its stdin."""
    return Popen(words, env=environment, stdin=PIPE, stdout=stdout, stderr=DEVNULL)


def let_go(process: "Popen[bytes]") -> None:
    """Let a command go on that waits for a line."""
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


@contextmanager
def ending(process: "Popen[bytes]") -> Iterator["Popen[bytes]"]:
    """End the command by the end of its stdin, and with it the program: nobody is killed, so nothing is left."""
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(LIMIT)
        if process.stdout is not None:
            process.stdout.close()


def wait_for_events(server: Server, count: int) -> None:
    """Wait until so many events are on the log: the connections of those who wrote them are up."""
    with connect_blocking(server.url) as client:
        wait_until(lambda: client.xlen(keys.log(NAMESPACE)) >= count, f"{count} events on the log", LIMIT)
