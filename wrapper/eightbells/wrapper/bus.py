"""The bus as the reporter sees it: `publish` an event, `beat` to say that the command lives, `show` its output.

The scripts are safe to resend, so a call whose reply was lost is simply made again.
"""

from __future__ import annotations

from eightbells.events.contract import keys, scripts
from eightbells.events.contract.digests import SHA1
from eightbells.events.contract.limits import OUTPUT_MS
from eightbells.wrapper.connection import ANONYMOUS, Connection, Unreachable, is_denied, is_final, wants_password
from hiredis.hiredis import ReplyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from eightbells.events.contract.scripts import Report
    from eightbells.wrapper.address import Address
    from eightbells.wrapper.backlog import Chunk
    from eightbells.wrapper.connection import Word
    from eightbells.wrapper.target import Target

BEATS_OF_LIFE = 3
"""A heartbeat outlives two that were missed."""

SYNC_MARGIN = 1.0
"""Seconds; the server says that it is not done before we take it for dead."""


class Answer:
    """What the bus said to one event or heartbeat: the word of the script, and what came with it."""

    __slots__ = ("attempt", "is_cancelling", "word")

    def __init__(self, word: str, *, attempt: int | None = None, is_cancelling: bool = False) -> None:
        self.word = word
        self.attempt = attempt
        self.is_cancelling = is_cancelling


class Bus:
    """One namespace on one server; a call takes at most `patience` seconds."""

    def __init__(self, target: Target, address: Address, patience: float) -> None:
        self.connection = Connection(address, patience)
        self._namespace = target.namespace
        self._cluster = target.place["cluster"] or ""
        self._dispatch = target.dispatch
        self._life_ms = int(target.heartbeat * 1000) * BEATS_OF_LIFE
        self._version = "0"
        self._groups: list[str] = []

    def publish(self, report: Report) -> Answer:
        """Publish one event. Raises `Unreachable`."""
        while True:
            keys, args = scripts.publish(self._namespace, self._cluster, self._version, self._groups, [report])
            reply = self._run("publish", keys, args)
            if reply[0] == b"groups":
                self._version, *self._groups = (str(word, "utf-8") for word in reply[1:])
                continue
            word, *rest = _first(reply)
            attempt = rest[0] if word in ("ok", "dup", "stale") else None
            return Answer(word, attempt=attempt, is_cancelling=word == "cancelling" or rest[2:] == [1])

    def beat(self, says: str) -> Answer:
        """Say that the run lives. Raises `Unreachable`."""
        keys, args = scripts.heartbeat(self._namespace, self._life_ms, [(self._dispatch, says)])
        word, *_ = _first(self._run("heartbeat", keys, args))
        return Answer(word, is_cancelling=word == "cancelling")

    def show(self, run: str, chunks: Sequence[Chunk], kept: int) -> None:
        """Add live output, and keep about so many of the newest entries. Raises `Unreachable`."""
        key = keys.output(self._namespace, self._dispatch)
        commands: list[tuple[Word, ...]] = []
        for chunk in chunks:
            what = ("g", chunk.lost) if chunk.lost else ("d", chunk.data)
            fields = ("r", run, "s", chunk.stream, "n", chunk.seq, "o", chunk.offset, *what)
            commands.append(("XADD", key, "MAXLEN", "~", kept, "*", *fields))
        reply = self.connection.transact([*commands, ("PEXPIRE", key, OUTPUT_MS)])
        if isinstance(reply, ReplyError):
            self.close()
            raise Unreachable(f"live output: {reply}", is_final=is_final(reply))

    def probe(self) -> None:
        """Publish nothing. Raises `Unreachable` where the script cannot be run."""
        self._run("publish", *scripts.publish(self._namespace, self._cluster, self._version, self._groups, []))

    def sync(self, seconds: float) -> bool:
        """Wait so long until what was published is on the server's disk, or else on a replica; return whether it is.
        Only the last call may be so patient. Raises `Unreachable`.
        """
        milliseconds = int(1000 * seconds)
        self.connection.patience = seconds + SYNC_MARGIN
        reply = self.connection.call("WAITAOF", 1, 0, milliseconds)
        if isinstance(reply, ReplyError):  # older than Redis 7.2, or without a file
            reply = self.connection.call("WAIT", 1, milliseconds)
        if isinstance(reply, ReplyError):
            raise Unreachable(str(reply), is_final=True)
        return bool(reply[0] if isinstance(reply, list) else reply)

    def close(self) -> None:
        """Drop the connection; the next call opens a new one."""
        self.connection.close()

    def _run(self, script: str, keys: list[str], args: list[str | bytes | int]) -> list[Any]:
        reply = self.connection.call("EVALSHA", SHA1[script], len(keys), *keys, *args)
        if isinstance(reply, ReplyError) and str(reply).startswith("NOSCRIPT"):
            reply = self.connection.call("EVAL", scripts.text(script), len(keys), *keys, *args)
        if isinstance(reply, ReplyError):
            self.close()  # READONLY, LOADING and their kin: perhaps another server answers next
            hint = ANONYMOUS if wants_password(reply) else ""
            raise Unreachable(f"{script}: {reply}{hint}", is_final=is_final(reply))
        return list(reply)


def _first(replies: list[Any]) -> list[Any]:
    word, *rest = replies[0]
    if word == b"error":
        problem = str(rest[0], "utf-8", "replace")
        raise Unreachable(f"the script failed: {problem}", is_final=is_denied(problem))
    return [str(word, "ascii"), *rest]
