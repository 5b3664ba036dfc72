"""One call of a script: what to send, and how to read the reply. Whoever has a client runs it.

Nothing here knows a client library: `execute` and `execute_async` need only `execute_command`, which redis-py's
clients have, with replies as bytes. A script is safe to resend, so a call whose reply was lost is made again.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from eightbells.events.contract import scripts
from eightbells.events.contract.digests import SHA1
from msgspec import Struct

Arg = str | bytes | int
T = TypeVar("T")


class UnknownReply(RuntimeError):
    """A script answered with a word that this version does not know: the bus is of a newer version."""


class Client(Protocol):
    """A blocking client of redis-py, standalone or cluster."""

    def execute_command(self, *args: Any) -> Any:
        """Send one command and return its reply."""


class AsyncClient(Protocol):
    """An asyncio client of redis-py, standalone or cluster."""

    def execute_command(self, *args: Any) -> Awaitable[Any]:
        """Send one command and return its reply."""


class Request(Struct, Generic[T], frozen=True):
    """A script's name with its KEYS and ARGV, and the function that reads the reply."""

    script: str
    keys: Sequence[str]
    args: Sequence[Arg]
    parse: Callable[[Any], T]

    @property
    def evalsha(self) -> tuple[Arg, ...]:
        """The command that runs the script from the server's cache."""
        return ("EVALSHA", SHA1[self.script], len(self.keys), *self.keys, *self.args)

    @property
    def eval(self) -> tuple[Arg, ...]:
        """The command that brings the text along, for a server that does not have it."""
        return ("EVAL", scripts.text(self.script), len(self.keys), *self.keys, *self.args)


def execute(client: Client, request: Request[T]) -> T:
    """Run the script and return its typed reply; the client's own errors pass."""
    try:
        reply = client.execute_command(*request.evalsha)
    except Exception as error:
        if not _is_unknown_script(error):
            raise
        reply = client.execute_command(*request.eval)
    return request.parse(reply)


async def execute_async(client: AsyncClient, request: Request[T]) -> T:
    """Run the script and return its typed reply; the client's own errors pass."""
    try:
        reply = await client.execute_command(*request.evalsha)
    except Exception as error:
        if not _is_unknown_script(error):
            raise
        reply = await client.execute_command(*request.eval)
    return request.parse(reply)


def _is_unknown_script(error: Exception) -> bool:
    """NOSCRIPT, by the name redis-py gives it: importing redis here would make every reader of the contract need it."""
    return type(error).__name__ == "NoScriptError"


def word(reply: list[Any], known: frozenset[str]) -> str:
    """Return the first element of one reply, which says what became of it. Raises `UnknownReply`."""
    status = str(reply[0], "ascii")
    if status not in known:
        raise UnknownReply(f"a script answered {status!r}; this version knows {', '.join(sorted(known))}: upgrade it")
    return status


def text(value: bytes | None) -> str:
    """Return what a script gave as text; '' where it had nothing."""
    return str(value or b"", "utf-8", "replace")


def check_batch(count: int, limit: int) -> None:
    """Refuse a batch that would keep the server's other clients waiting."""
    if not 0 < count <= limit:
        raise ValueError(f"a batch of {count} elements: send 1 to {limit} in one call")
