"""What is to be looked at, and when: each key once, however often it changed.

Watch threads put what changed, one worker takes it. A time that is put replaces the one before: who decided last knows
best when to look again. But who has not read the record does not know its deadline: deep times are kept apart.
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
        self._times: dict[tuple[str, bool], tuple[datetime, float]] = {}
        self._heap: list[tuple[float, tuple[str, bool]]] = []

    def put(self, key: str, *, is_deep: bool = False) -> None:
        """Have a key looked at now."""
        with self._changed:
            self._put(key, is_deep=is_deep)
            self._changed.notify()

    def put_at(self, key: str, until: datetime | None, now: datetime, *, is_deep: bool) -> None:
        """Have a key looked at then; with None at no time. What is found deeply replaces what was found without."""
        with self._changed:
            if is_deep:
                self._times.pop((key, False), None)
            slot = (key, is_deep)
            if until is None:
                self._times.pop(slot, None)
            elif slot not in self._times or self._times[slot][0] != until:
                self._push(slot, until, self._clock() + max(0.0, (until - now).total_seconds()))

    def forget(self, key: str) -> None:
        """Forget when a key was to be looked at again."""
        with self._changed:
            for slot in ((key, False), (key, True)):
                self._times.pop(slot, None)

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

    def _push(self, slot: tuple[str, bool], until: datetime, at: float) -> None:
        self._times[slot] = (until, at)
        heapq.heappush(self._heap, (at, slot))
        if len(self._heap) > 2 * len(self._times) + SLACK:
            self._heap = [(moment, one) for one, (_, moment) in self._times.items()]
            heapq.heapify(self._heap)

    def _put(self, key: str, *, is_deep: bool) -> None:
        known = self._ready.get(key)
        if known is None or (is_deep and not known.is_deep):
            since = known.since if known else self._clock()
            self._ready[key] = Item(key, since, is_deep)

    def _ripen(self) -> None:
        """Move what has become due; an entry that was replaced has another time, and is passed over."""
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            at, slot = heapq.heappop(self._heap)
            if slot in self._times and self._times[slot][1] == at:
                del self._times[slot]
                self._put(slot[0], is_deep=slot[1])
