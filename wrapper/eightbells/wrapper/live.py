"""What of a run's output goes to the bus while the command runs, batch by batch, and when the next one is due.

A batch stays the same until the bus has it: it may be sent twice, which its numbers tell. After the command's death
what is left has a quarter of the time that there is, because the ending matters more.
"""

from __future__ import annotations

import time
from _collections import deque  # type: ignore[import-not-found]  # built in; `collections` is a file of many

from eightbells.events.contract.limits import OUTPUT_BYTES, OUTPUT_ENTRIES, OUTPUT_ENTRY_BYTES

BATCH_BYTES = 128 * 1024
"""Of each stream in one call: the server serves nobody else meanwhile."""

PACE_SECONDS = 0.005
"""Between two batches, 25 MB/s a stream: nobody reads faster, and a flood must not spend the command's share of the
processor on chunks that the next ones push out.
"""

LAST_SECONDS, LAST_SHARE = 1.0, 4
"""For what is left after the command's death: so long at most, and no more than this part of the ending's time."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from eightbells.wrapper.backlog import Backlog, Chunk
    from eightbells.wrapper.pumps import Pump


class Live:
    """The live output of one run. `kept` is how many entries the bus is to keep."""

    def __init__(self, pumps: Sequence[Pump], secrets: tuple[bytes, ...]) -> None:
        self.kept = OUTPUT_ENTRIES
        self._pumps = pumps
        self._secrets = secrets
        self._batch: list[Chunk] = []
        self._sizes: deque[int] = deque()
        self._bytes = 0
        self._until: float | None = None
        self._next = 0.0

    def due_in(self) -> float | None:
        """Return in how many seconds there is something to send; None: nothing waits."""
        now = time.monotonic()
        if self._until is not None and now >= self._until:
            return None
        if self._batch:
            return 0.0
        times = [seconds for backlog in self._backlogs() if (seconds := backlog.due_in(now)) is not None]
        return max(min(times), self._next - now) if times else None

    def next_batch(self) -> list[Chunk]:
        """Return what is to be sent: the same as before, until it is `settle`d."""
        if not self._batch:
            for backlog in self._backlogs():
                self._batch += backlog.take(BATCH_BYTES, self._secrets)
            self._count()
        return self._batch

    def settle(self) -> None:
        """The bus has the batch."""
        self._batch = []
        self._next = 0.0 if self._until else time.monotonic() + PACE_SECONDS

    def finish(self, seconds: float) -> None:
        """The command is dead, and so long is there for its ending: what is there is all, and goes out now or never."""
        if self._until is None:
            self._until, self._next = time.monotonic() + min(LAST_SECONDS, seconds / LAST_SHARE), 0.0
            for backlog in self._backlogs():
                backlog.close()

    def stop(self) -> None:
        """Nothing more is sent, nor kept."""
        self._until = 0.0
        self._batch = []
        for pump in self._pumps:
            pump.is_streamed = False
            pump.backlog = None

    def _backlogs(self) -> list[Backlog]:
        return [pump.backlog for pump in self._pumps if pump.backlog is not None]

    def _count(self) -> None:
        """Find how many of the newest entries are within the bytes that a run may leave."""
        for chunk in self._batch:
            self._sizes.append(len(chunk.data) + OUTPUT_ENTRY_BYTES)
            self._bytes += self._sizes[-1]
        while self._bytes > OUTPUT_BYTES:
            self._bytes -= self._sizes.popleft()
            self.kept = len(self._sizes)
        self.kept = min(self.kept, OUTPUT_ENTRIES)
