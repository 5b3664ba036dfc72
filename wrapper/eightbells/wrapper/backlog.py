"""The live output of one stream between the pump, which never waits, and the reporter, which may have to.

It is bounded: what the bus does not take in time makes room for what is newer, and a gap stands in its place.
Secrets are veiled by as many asterisks as they have bytes, so that every offset is the command's own.
"""

from __future__ import annotations

import _thread
import time

from eightbells.events.contract.limits import OUTPUT_CHUNK_BYTES, OUTPUT_CHUNK_MS

LIMIT_BYTES = 1024 * 1024
"""A second of a busy command on a slow bus; it counts against somebody else's memory limit, once for each stream."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    Secrets = tuple[bytes, ...]


class Chunk:
    """Bytes of a stream from `offset` on; or, without any, a gap: `lost` bytes from there on were dropped."""

    __slots__ = ("data", "lost", "offset", "seq", "stream")

    def __init__(self, stream: str, seq: int, offset: int, data: bytes, lost: int = 0) -> None:
        self.stream = stream
        self.seq = seq
        self.offset = offset
        self.data = data
        self.lost = lost


class Backlog:
    """What of one stream was not taken yet."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._lock = _thread.allocate_lock()
        self._waiting = bytearray()
        self._held = 0  # of those, the last, which may be the beginning of a secret
        self._since = 0.0
        self._end = self._told = self._seq = 0
        self._is_closed = False

    def put(self, data: memoryview) -> bool:
        """Keep a copy; return whether there is news for who takes: the first bytes, or a whole chunk."""
        with self._lock:
            if self._is_closed:
                return False
            before = len(self._waiting)
            self._end += len(data)
            self._waiting += data[-LIMIT_BYTES:]
            del self._waiting[:-LIMIT_BYTES]
            is_first = before <= self._held
            if is_first:
                self._since = time.monotonic()
            return is_first or before < OUTPUT_CHUNK_BYTES <= len(self._waiting)

    def close(self) -> None:
        """Keep nothing more: what is there is all that there will be."""
        with self._lock:
            self._is_closed, self._held = True, 0

    def due_in(self, now: float) -> float | None:
        """Return in how many seconds something should be taken; None: there is nothing."""
        with self._lock:
            if len(self._waiting) <= self._held:
                return None
            if self._is_closed or len(self._waiting) >= OUTPUT_CHUNK_BYTES:
                return 0.0
            return max(0.0, self._since + OUTPUT_CHUNK_MS / 1000 - now)

    def take(self, most: int, secrets: Secrets = ()) -> list[Chunk]:
        """Return the chunks of at most so many bytes, and a gap before them where some were dropped."""
        with self._lock:
            rest = max(map(len, secrets), default=1) - 1  # what may be left of a secret that was cut
            veil(self._waiting, secrets, most + rest)
            if self._end - len(self._waiting) > self._told:
                del self._waiting[:rest]
            start = self._end - len(self._waiting)
            self._held = 0 if self._is_closed else begun(self._waiting, secrets)
            data = bytes(self._waiting[: min(most, len(self._waiting) - self._held)])
            del self._waiting[: len(data)]
            self._since = time.monotonic()
            return self._cut(start, data)

    def _cut(self, start: int, data: bytes) -> list[Chunk]:
        chunks = [self._next(self._told, b"", start - self._told)] if start > self._told else []
        chunks += [
            self._next(start + at, data[at : at + OUTPUT_CHUNK_BYTES]) for at in range(0, len(data), OUTPUT_CHUNK_BYTES)
        ]
        self._told = start + len(data)
        return chunks

    def _next(self, offset: int, data: bytes, lost: int = 0) -> Chunk:
        self._seq += 1
        return Chunk(self._stream, self._seq, offset, data, lost)


def veil(data: bytearray, secrets: Secrets, end: int) -> None:
    """Write asterisks over every secret before `end`."""
    for secret in secrets:
        size, at = len(secret), data.find(secret, 0, end)
        while at >= 0:
            data[at : at + size] = b"*" * size
            at = data.find(secret, at + size, end)


def begun(data: bytearray, secrets: Secrets) -> int:
    """Return how many of the last bytes may be the beginning of a secret."""
    sizes = (size for secret in secrets for size in range(1, len(secret)) if data.endswith(secret[:size]))
    return max(sizes, default=0)
