"""What is kept of an output stream while it passes: its first and last bytes, bounded, and how many there were.

The pump reads into two buffers in turn, so that the last full buffer can stand for the tail without a copy until
the next read is over.
"""

from __future__ import annotations

import _thread

from eightbells.events.contract.limits import HEAD_BYTES, TAIL_BYTES


class Window:
    """The head and tail of one stream. `margin` more bytes are kept of both, so that a secret that lies across an
    edge can still be recognised before the edge is cut.
    """

    def __init__(self, margin: int = 0) -> None:
        self._head_bytes = HEAD_BYTES + margin
        self._tail_bytes = TAIL_BYTES + margin
        self._lock = _thread.allocate_lock()
        self._head = bytearray()
        self._tail = bytearray()
        self._last: memoryview | None = None
        self._total = 0

    def feed(self, chunk: memoryview) -> None:
        """Take the next bytes; the chunk must stay as it is until the next call returns."""
        with self._lock:
            self._total += len(chunk)
            if len(self._head) < self._head_bytes:
                self._head += chunk[: self._head_bytes - len(self._head)]
            if len(chunk) >= self._tail_bytes:
                self._last = chunk
                self._tail.clear()
                return
            self._settle()
            self._tail += chunk
            if len(self._tail) > 4 * self._tail_bytes:  # now and then, not with every line
                del self._tail[: -self._tail_bytes]

    def read(self) -> tuple[bytes, bytes, int]:
        """Return the head, the tail (margins included) and the number of bytes of the stream so far."""
        with self._lock:
            self._settle()
            return bytes(self._head), bytes(self._tail[-self._tail_bytes :]), self._total

    def _settle(self) -> None:
        """Copy what only the pump's buffer holds, before that buffer is read into again."""
        if self._last is not None:
            self._tail += self._last[-self._tail_bytes :]
            self._last = None
