"""Follows one dispatch: its live output as it comes, then its ending.

Neither misses the ending nor polls for it: take the log's last id, read the record, then read the log from that id with
blocking reads; after a reconnect, or a silence of half the log's age, from the start again. Whoever has seen the ending
reads the output to its end.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from eightbells.consumer.connection import BLOCK_SECONDS, RedisError, is_outage
from eightbells.consumer.errors import ConsumerError
from eightbells.consumer.outage import FIRST_SECONDS, LIMIT_SECONDS, full_jitter
from eightbells.consumer.output import Piece, Reassembly, parse_entries
from eightbells.events import document
from eightbells.events.contract import keys
from eightbells.events.contract.limits import LOG_MS
from eightbells.events.schema import ENDINGS, Data, Verdict
from msgspec import Struct

PAGE = 32
"""Entries of one read; a chunk is at most 16 KiB and an event 64."""


class UnknownDispatch(ConsumerError):
    """The bus knows nothing of a dispatch: it has not begun, has aged away, or is misspelt."""


class Ended(Struct, frozen=True):
    """How the dispatch ended. `data` is None when the event is aged away or is not one that this version can read."""

    verdict: Verdict
    data: Data | None = None


class Tail:
    """One dispatch on one server, by a blocking client of redis-py, from the offset `start` of each stream on.

    `is_following`: wait for what is still to come, also for a dispatch that nobody has heard of, and for a server that
    is away; `say` is told, once each, what is waited for.
    """

    def __init__(
        self,
        client: Any,
        namespace: str,
        dispatch: str,
        *,
        start: int = 0,
        is_following: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._dispatch = dispatch
        self._is_following = is_following
        self._say = say
        self._record = keys.record(namespace, dispatch)
        self._payload = keys.payload(namespace, dispatch)
        self._output, self._log = keys.output(namespace, dispatch), keys.log(namespace)
        self._output_id = self._log_id = b"0-0"
        self._reassembly = Reassembly(start)
        self._ended: Ended | None = None
        self._heard: float | None = None
        self._failures = 0
        self._is_known = False

    @property
    def is_streamed(self) -> bool:
        """Whether any live output has come."""
        return not self._reassembly.is_empty

    def read(self) -> Iterator[Piece | Ended]:
        """Return pieces as they come, and the ending last; without following, what there is now.

        Raises `UnknownDispatch`; errors of the client pass, but for outages while following.
        """
        while True:
            try:
                if self._has_lost_its_place():
                    self._look()
                entries = self._read_on()
            except RedisError as error:
                self._bear(error)
                continue
            for piece in parse_entries(entries):
                yield from self._reassembly.take(piece)
            if not entries and self._ended is not None:
                yield from self._finish(self._ended)
                return
            if not entries and not self._is_following:
                return

    def _has_lost_its_place(self) -> bool:
        return self._heard is None or time.time() - self._heard > LOG_MS / 2000

    def _look(self) -> None:
        """Take the log's last id first: what is accepted after the record was read is behind it."""
        last: Any = self._client.xrevrange(self._log, count=1)
        self._log_id = last[0][0] if last else b"0-0"
        seq, state, verdict = self._client.hmget(self._record, "seq", "end", "v")
        if state is not None:
            event = self._client.hget(self._payload, "end")
            self._ended = Ended(read_verdict(str(state, "utf-8"), verdict), read_data(event))
        self._heard = time.time()
        self._is_known = self._is_known or seq is not None or bool(self._client.exists(self._output))
        if not self._is_known:
            self._miss()

    def _miss(self) -> None:
        problem = f"nothing is known of dispatch {self._dispatch}"
        if not self._is_following:
            raise UnknownDispatch(f"{problem}: it has not begun, is of another --namespace, or has aged away")
        self._is_known = True  # said once
        self._say(f"{problem} yet: waiting for it")

    def _read_on(self) -> list[Any]:
        """Return the next entries of the output; when following, wait for them or for the ending."""
        is_waiting = self._is_following and self._ended is None
        streams = {self._output: self._output_id, **({self._log: self._log_id} if is_waiting else {})}
        reply: Any = self._client.xread(streams, count=PAGE, block=int(BLOCK_SECONDS * 1000) if is_waiting else None)
        self._heard, self._failures = time.time(), 0
        found = {str(name, "utf-8"): entries for name, entries in reply or ()}
        if log := found.get(self._log):
            self._log_id = log[-1][0]
            if any(self._is_ending(fields or {}) for _, fields in log):
                self._look()
        output: list[Any] = found.get(self._output, [])
        if output:
            self._output_id = output[-1][0]
        return output

    def _is_ending(self, fields: dict[bytes, bytes]) -> bool:
        dispatch, state = fields.get(b"k", b""), str(fields.get(b"s", b""), "utf-8", "replace")
        return dispatch == self._dispatch.encode() and state in ENDINGS

    def _finish(self, ended: Ended) -> Iterator[Piece | Ended]:
        data = ended.data
        if data is not None and data.run:
            outputs = {"stdout": data.stdout, "stderr": data.stderr}
            totals = {name: output.total_bytes for name, output in outputs.items() if output is not None}
            yield from self._reassembly.finish(data.run, totals)
        yield ended

    def _bear(self, error: RedisError) -> None:
        """Wait a moment for a server that is away, if that is what is wrong."""
        self._heard = None
        if not self._is_following or not is_outage(error):
            raise error
        if not self._failures:
            self._say(f"the server does not answer, and is waited for: {error}")
        self._failures += 1
        time.sleep(full_jitter(self._failures, FIRST_SECONDS, LIMIT_SECONDS))


def read_verdict(state: str, text: bytes | None) -> Verdict:
    """Return the verdict of a record; one that cannot be read still has its state."""
    try:
        return document.decode_verdict(text or b"")
    except document.EventError:
        return Verdict("completed" if state == "completed" else "failed")


def read_data(text: bytes | None) -> Data | None:
    """Return what the document of an ending says, or None."""
    try:
        return None if text is None else document.decode(text).data
    except document.EventError:
        return None
