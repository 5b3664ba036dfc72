"""`eightbells tail`: the live output of a dispatch on stdout and stderr, and how it ended."""

import base64
import sys
from typing import Any, NoReturn

import click
import msgspec
from eightbells.cli.exits import Exit
from eightbells.cli.options import CONTEXT, chosen_url, namespace_option, option, server_options
from eightbells.consumer.connection import connect_blocking
from eightbells.consumer.errors import ConsumerError
from eightbells.consumer.output import Piece
from eightbells.consumer.tail import Ended, Tail, UnknownDispatch
from eightbells.events.contract.keys import BadName
from eightbells.events.schema import Verdict
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

REASONS = {"dropped": "the bus was slow or away", "aged": "they are no longer kept"}


@click.command(context_settings=CONTEXT)
@click.argument("dispatch")
@option("-f", "--follow", is_flag=True, help="Wait for what is still to come, until the ending.")
@option("--from", "from", type=click.IntRange(min=0), default=0, metavar="OFFSET", help="Of each stream's first byte.")
@option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="json: an object a line.")
@option("-q", "--quiet", is_flag=True, help="Show the output alone, and neither what is missing nor the ending.")
@server_options
@namespace_option
def tail(dispatch: str, url: str | None, url_file: str | None, **options: Any) -> None:
    """Show what the command of a dispatch writes, as it comes.

    Its stdout goes to stdout and its stderr to stderr, byte for byte; what is missing is said on stderr, and so is how
    it ended. The wrapper must have been told to stream (EIGHTBELLS_STREAM=1 in its own environment).

    Exits with 0 once all is shown, however the dispatch ended; with 66 for one that the bus does not know, 69 for a
    server that cannot be used, 77 for one that refuses us.
    """
    shown = Lines() if options["output"] == "json" else Screen()
    shown.is_quiet = options["quiet"]
    try:
        client = connect_blocking(chosen_url(url, url_file))
        start, follow, namespace = options["from"], options["follow"], options["namespace"]
        show(Tail(client, namespace, dispatch, start=start, is_following=follow, say=shown.say), shown)
    except UnknownDispatch as error:
        fail(shown, str(error), Exit.NOT_FOUND)
    except (ConsumerError, BadName) as error:
        raise click.UsageError(str(error)) from None
    except (NoPermissionError, AuthenticationError) as error:
        fail(shown, f"the server refuses: {error}", Exit.NO_PERMISSION)
    except RedisError as error:
        fail(shown, f"the server cannot be used: {error}", Exit.UNAVAILABLE)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)


def show(reading: Tail, shown: "Screen") -> None:
    """Show all that comes, and say where something was to come and did not."""
    ended = None
    for one in reading.read():
        if isinstance(one, Ended):
            ended = one
        else:
            shown.show(one)
    if not reading.is_streamed:
        shown.say("no live output: EIGHTBELLS_STREAM=1 was not set for the wrapper, or it is no longer kept")
    if ended is None:
        shown.say("it has not ended; -f waits for what is still to come")
    else:
        shown.end(ended.verdict)


def fail(shown: "Screen", message: str, code: Exit) -> NoReturn:
    """Say what is wrong and exit."""
    shown.insist(message)
    sys.exit(code)


class Screen:
    """For people: bytes as they were, and our own words on lines of their own on stderr."""

    def __init__(self) -> None:
        self.is_quiet = False
        self._run = ""
        self._is_within_line = False

    def show(self, piece: Piece) -> None:
        """Show bytes, or say what is missing; a second run of the command is said, too."""
        if self._run and piece.run != self._run:
            self.say(f"another run of the command: {piece.run}")
        self._run = piece.run
        if piece.lost:
            where = f"{piece.lost} bytes of {piece.stream} from offset {piece.offset} on are missing"
            self.say(f"{where}: {REASONS[piece.why]}")
            return
        stream = sys.stderr if piece.stream == "stderr" else sys.stdout
        stream.buffer.write(piece.data)
        stream.buffer.flush()
        if stream is sys.stderr:
            self._is_within_line = not piece.data.endswith(b"\n")

    def end(self, verdict: Verdict) -> None:
        """Say how it ended."""
        words = [verdict.code, verdict.exit_code is not None and f"exit code {verdict.exit_code}", verdict.signal]
        self.say(f"{verdict.state}: {', '.join(str(word) for word in words if word)}")

    def say(self, message: str) -> None:
        """Say something that is not the command's."""
        if not self.is_quiet:
            self.insist(message)

    def insist(self, message: str) -> None:
        """Say it in any case."""
        click.echo("\n" * self._is_within_line + f"eightbells: {message}", err=True)
        self._is_within_line = False


class Lines(Screen):
    """For programs: a JSON object a line, of the type `output`, `gap` or `ending`; what is waited for is on stderr."""

    def show(self, piece: Piece) -> None:
        """Write a piece; its bytes are in base64, because they need not be text."""
        where = {"run": piece.run, "stream": piece.stream, "offset": piece.offset}
        if piece.lost:
            self._write({"type": "gap", **where, "size": piece.lost, "why": piece.why})
        else:
            data = base64.b64encode(piece.data).decode()
            self._write({"type": "output", **where, "size": len(piece.data), "data_base64": data})

    def end(self, verdict: Verdict) -> None:
        """Write how it ended."""
        if not self.is_quiet:
            self._write({"type": "ending", **msgspec.structs.asdict(verdict)})

    def _write(self, fields: dict[str, Any]) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(fields) + b"\n")
        sys.stdout.buffer.flush()
