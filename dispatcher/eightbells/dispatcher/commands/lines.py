"""`submit --file`: a dispatch a line, a result a line, and on stderr how far it is."""

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Literal

import click
from eightbells.cli.exits import Exit
from eightbells.dispatcher.commands.exits import exit_of_error
from eightbells.dispatcher.commands.show import describe_verdict, write
from eightbells.dispatcher.errors import DispatcherError
from eightbells.events.schema import Verdict
from msgspec import Struct

if TYPE_CHECKING:
    from eightbells.dispatcher.dispatcher import Dispatcher
    from eightbells.dispatcher.submission import Submitted


CHUNK = 65536


class Line(Struct, frozen=True, omit_defaults=True):
    """What became of a line of the file, counted from 1."""

    line: int
    id: str
    status: Literal["created", "existing", "ended", "cancelling", "error"]
    namespace: str = ""
    job: str = ""
    verdict: Verdict | None = None
    error: str = ""


class Lines:
    """The results so far: written as they come, with a line on stderr that a terminal shows in place."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._is_terminal = sys.stderr.isatty()
        self._count = 0
        self._failed: dict[int, Exit] = {}

    @property
    def exit(self) -> Exit:
        """0 when every line was submitted, else the code of the first line that was not."""
        return self._failed[min(self._failed)] if self._failed else Exit.OK

    def submitted(self, line: int, one: "Submitted") -> None:
        """Note a line that was submitted."""
        if one.status == "cancelling":
            self._failed[line] = Exit.CANCELLED
        self._note(Line(line, one.id, one.status, one.namespace, one.job, one.verdict))

    def failed(self, line: int, dispatch: str, error: DispatcherError) -> None:
        """Note a line that was not."""
        self._failed[line] = exit_of_error(error)
        self._note(Line(line, dispatch, "error", error=str(error)))

    def finish(self) -> None:
        """Say how many there were."""
        self._show_progress("\n")

    def _note(self, line: Line) -> None:
        self._count += 1
        if self._is_terminal and sys.stdout.isatty():
            click.echo("\r\x1b[K", err=True, nl=False)
        if self._form == "text":
            ending = describe_verdict(line.verdict) if line.verdict else ""
            place = f"{line.namespace}/{line.job}" if line.job else ""
            words = (str(line.line), line.status, line.id or "-", ending or line.error or place)
            click.echo(" ".join(words))
        else:
            write(line, "json")
        if self._is_terminal:
            self._show_progress("")

    def _show_progress(self, end: str) -> None:
        start = "\r\x1b[K" if self._is_terminal else ""
        said = f"{self._count} lines, {self._count - len(self._failed)} submitted, {len(self._failed)} not"
        click.echo(f"{start}eightbells: {said}{end}", err=True, nl=False)


def submit_lines(dispatcher: "Dispatcher", file: BinaryIO, form: str) -> Exit:
    """Submit every line of the file as it comes; return the exit code."""
    results, numbers = Lines(form), list[int]()

    def read() -> Iterator[bytes]:
        for number, text in enumerate(read_lines(file), 1):
            if text.strip():
                numbers.append(number)
                yield text

    try:
        for outcome in dispatcher.submit_many(read()):
            if outcome.submitted is not None:
                results.submitted(numbers[outcome.index], outcome.submitted)
            elif outcome.error is not None:
                results.failed(numbers[outcome.index], outcome.id, outcome.error)
    finally:
        results.finish()
    return results.exit


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Return the lines as they come. The file's own buffer is left alone: a thread that waits for input would hold its
    lock, and a program that is interrupted then cannot end.
    """
    rest = b""
    while chunk := os.read(file.fileno(), CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    yield rest
