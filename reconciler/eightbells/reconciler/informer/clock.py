"""The API server's time, as we know it: our own monotonic clock, set by the Date headers of its answers.

All times of the cache are on it, so that they can be compared with those that the objects carry, and a step of this
machine's clock changes none of them.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from eightbells.reconciler.times import EPOCH, later


class ClusterClock:
    """A Date is whole seconds, cut: it says that the server's clock was less than one later, somewhere between the
    question and the answer. What all of them allow is narrow; one that contradicts the others is newer, and right.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._lock = threading.Lock()
        self._bounds: tuple[float, float] | None = None
        self._base = wall() - monotonic()

    def now(self) -> datetime:
        """Return the API server's time; before its first answer, this machine's."""
        return self.at(self._monotonic())

    def at(self, monotonic: float) -> datetime:
        """Return what the API server's time was at a moment of our monotonic clock."""
        return later(EPOCH, self._base + monotonic)

    def monotonic(self) -> float:
        """Return our own clock, in seconds."""
        return self._monotonic()

    @property
    def offset(self) -> float:
        """By how many seconds the API server's clock is ahead of this machine's."""
        return self._base + self._monotonic() - self._wall()

    def observe(self, date: str | None, asked: float, answered: float) -> None:
        """Take in the Date header of an answer, and when it was asked for and came, on the monotonic clock."""
        try:
            said = parsedate_to_datetime(date or "")
        except ValueError:
            return
        seconds = said.replace(tzinfo=said.tzinfo or UTC).timestamp()
        low, high = seconds - answered, seconds + 1 - asked
        with self._lock:
            known = self._bounds or (low, high)
            narrow = max(low, known[0]), min(high, known[1])
            self._bounds = narrow if narrow[0] <= narrow[1] else (low, high)
            # As little is changed as will do: a clock that is right is left alone.
            self._base = min(max(self._base, self._bounds[0]), self._bounds[1])
