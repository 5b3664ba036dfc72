"""What is to be looked at, and when: each key once, however often it changed.

Watch threads put what changed, one worker takes it. A time that is put replaces the one before: who decided last knows
best when to look again.
"""

import heapq
import threading
import time
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

SLACK = 1000
"""Times that were replaced and are still in the heap, beyond as many as there are keys: then it is made anew."""


class Item(Struct, frozen=True):
    """A key that is due. `since`: on the clock of the agenda, when it was first put. `is_deep`: its record is to be
    read even where what the cluster shows decides nothing.
    """

    key: str
    since: float
    is_deep: bool


class Agenda:
    """Threads share it; the clock is monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._ready: dict[str, Item] = {}
        self._times: dict[str, tuple[datetime, float]] = {}
        self._heap: list[tuple[float, str]] = []

    def put(self, key: str, *, is_deep: bool = False) -> None:
        """Have a key looked at now."""
        with self._changed:
            self._put(key, is_deep=is_deep)
            self._changed.notify()

    def put_at(self, key: str, until: datetime, now: datetime) -> None:
        """Have a key looked at then, unless something changes before."""
        with self._changed:
            if key in self._times and self._times[key][0] == until:
                return
            at = self._clock() + max(0.0, (until - now).total_seconds())
            self._times[key] = (until, at)
            heapq.heappush(self._heap, (at, key))
            if len(self._heap) > 2 * len(self._times) + SLACK:
                self._heap = [(moment, one) for one, (_, moment) in self._times.items()]
                heapq.heapify(self._heap)

    def drop_time(self, key: str) -> None:
        """Forget when a key was to be looked at again."""
        with self._changed:
            self._times.pop(key, None)

    def take(self, limit: int, wait: float) -> list[Item]:
        """Return up to `limit` keys that are due, the longest waiting first; wait so many seconds for the first."""
        with self._changed:
            self._ripen()
            if not self._ready:
                next_at = self._heap[0][0] - self._clock() if self._heap else wait
                self._changed.wait(max(0.0, min(wait, next_at)))
                self._ripen()
            keys = list(self._ready)[:limit]
            return [self._ready.pop(key) for key in keys]

    def give_back(self, items: list[Item]) -> None:
        """Put back what could not be looked at, with the time that it has waited."""
        with self._changed:
            newer, self._ready = self._ready, {item.key: item for item in items}
            for item in newer.values():
                self._put(item.key, is_deep=item.is_deep)

    @property
    def depth(self) -> int:
        """How many keys are due."""
        with self._changed:
            return len(self._ready)

    def _put(self, key: str, *, is_deep: bool) -> None:
        known = self._ready.get(key)
        if known is None or (is_deep and not known.is_deep):
            since = known.since if known else self._clock()
            self._ready[key] = Item(key, since, is_deep)

    def _ripen(self) -> None:
        """Move what has become due; an entry that was replaced has another time, and is passed over."""
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if key in self._times and self._times[key][1] == at:
                del self._times[key]
                self._put(key, is_deep=False)
