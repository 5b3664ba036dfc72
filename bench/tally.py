"""What a handler does here: it counts, and notes when the first and the last event came."""

import asyncio
import time


class Tally:
    """Counts up to `target`; `seconds` lie between the first event and now."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._first = 0.0
        self.count = 0
        self.full = asyncio.Event()

    def add(self) -> None:
        """Note one event."""
        if not self.count:
            self._first = time.perf_counter()
        self.count += 1
        if self.count == self._target:
            self.full.set()

    def seconds(self) -> float:
        """Return the time since the first event. A count above the target means that something came twice."""
        assert self.count == self._target, f"{self.count} events were handled instead of {self._target}"
        return time.perf_counter() - self._first
