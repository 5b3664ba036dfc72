"""What is kept of an output stream while it passes: its first and last bytes, bounded, and how many there were.

The pump reads into two buffers in turn, so that the last full buffer can stand for the tail without a copy, also for
who looks while the next read is under way.
"""

from __future__ import annotations

import _thread

from eightbells.events.contract.limits import HEAD_BYTES, TAIL_BYTES

MARGIN = 1024
"""More bytes are kept of both, so that a secret across an edge can be recognised before the edge is cut."""

HEAD, TAIL = HEAD_BYTES + MARGIN, TAIL_BYTES + MARGIN


class Window:
    """The head and tail of one stream, with a margin."""

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._head = bytearray()
        self._tail = bytearray()
        self._last: memoryview | None = None
        self._total = 0

    def feed(self, chunk: memoryview) -> None:
        """Take the next bytes; the chunk must stay as it is until the next call returns."""
        with self._lock:
            self._total += len(chunk)
            if len(self._head) < HEAD:
                self._head += chunk[: HEAD - len(self._head)]
            if len(chunk) >= TAIL:
                self._last = chunk
                self._tail.clear()
                return
            self._settle()
            self._tail += chunk
            if len(self._tail) > 4 * TAIL:  # now and then, not with every line
                del self._tail[:-TAIL]

    def read(self) -> tuple[bytes, bytes, int]:
        """Return the head, the tail (each with its margin) and the number of bytes of the stream so far."""
        with self._lock:
            self._settle()
            return bytes(self._head), bytes(self._tail[-TAIL:]), self._total

    def _settle(self) -> None:
        """Copy what only the pump's buffer holds, before that buffer is read into again."""
        if self._last is not None:
            self._tail += self._last[-TAIL:]
            self._last = None
