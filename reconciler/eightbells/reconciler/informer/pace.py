"""How often the API is asked: at most once a second for each resource, and ever less often while it fails."""

import threading
import time
from collections.abc import Callable
from secrets import SystemRandom

from eightbells.reconciler.informer.errors import ClusterError, Forbidden
from msgspec import Struct

_random = SystemRandom()


class Timings(Struct, frozen=True, kw_only=True):
    """In seconds. `gap`: at least so long between two requests. `ceiling` of the back-off, and what a refusal waits.
    `silence`: without a byte a stream is dead; `overdue`: without a complete line, whatever bytes come. `watch`: how
    long the server is asked to go on, so that not all watches of all reconcilers end at once.
    """

    gap: float = 1.0
    ceiling: float = 30.0
    silence: float = 90.0
    overdue: float = 100.0
    watch: tuple[int, int] = (300, 600)

    def watch_seconds(self) -> int:
        """Return how long the next watch is asked to go on."""
        return _random.randint(*self.watch)


LONGEST_WAIT = 300.0
"""Whatever a Retry-After says."""


class Pace:
    """One thread waits, others may wake it."""

    def __init__(self, timings: Timings, over: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._timings = timings
        self._over = over
        self._clock = clock
        self._wake = threading.Event()
        self._failures = 0
        self._delay = 0.0
        self._asked_at: float | None = None

    def wait(self) -> None:
        """Wait until the next request may be made; at the end of everything, not at all."""
        if self._asked_at is not None:
            self._over.wait(max(0.0, self._asked_at + self._timings.gap - self._clock()))
        self._wake.wait(self._delay)
        self._wake.clear()
        self._delay = 0.0
        self.asked()

    def asked(self) -> None:
        """Note that a request is being made."""
        self._asked_at = self._clock()

    def failed(self, error: ClusterError | None = None) -> None:
        """Wait longer before the next request: with jitter, as long as the API asks, or very long where it will not
        change its mind by itself. A list and the watch behind it are two requests: so there are two gaps at least.
        """
        self._failures += 1
        top, gap = self._timings.ceiling, self._timings.gap
        self._delay = _random.uniform(gap, max(gap, min(top, gap * 2 ** min(self._failures, 16))))
        if isinstance(error, Forbidden):
            self._delay = top
        elif error and error.retry_after:
            self._delay = min(error.retry_after, LONGEST_WAIT)

    def went_well(self) -> None:
        """Forget the failures."""
        self._failures = 0

    def wake(self) -> None:
        """Let it wait no longer than it must."""
        self._wake.set()
