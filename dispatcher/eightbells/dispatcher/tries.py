"""Another try of what another try can cure: with full jitter, after what the server asks for, until a moment.

Full jitter spreads many clients best: https://aws.amazon.com/builders-library, "Timeouts, retries, and backoff with
jitter".
"""

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from eightbells.dispatcher.errors import Unavailable

FIRST_SECONDS = 0.1
LIMIT_SECONDS = 10.0

PATIENCE_SECONDS = 15.0
"""How long a server that cannot be reached at all is tried again."""

T = TypeVar("T")


class Tries:
    """Tries until the moment `until` of our monotonic clock, or until somebody sets `closing`."""

    def __init__(self, until: float, closing: threading.Event | None = None) -> None:
        self._until = until
        self._closing = closing or threading.Event()
        self._failures = 0

    def wait(self, error: Unavailable) -> bool:
        """Wait for the next try; False where there is no time left for one, or nobody who wants it."""
        delay = random.uniform(0, min(LIMIT_SECONDS, FIRST_SECONDS * 2 ** min(self._failures, 32)))  # noqa: S311
        delay += error.retry_after or 0.0
        if time.monotonic() + delay >= self._until:
            return False
        self._failures += 1
        return not self._closing.wait(delay)


def persist(call: Callable[[], T], until: float) -> T:
    """Make a call that is safe to repeat until it is answered, or until that moment. Raises its last `Unavailable`."""
    tries = Tries(until)
    while True:
        try:
            return call()
        except Unavailable as error:
            if not tries.wait(error):
                raise


def soon() -> float:
    """Return the moment until which a server that cannot be reached is tried again."""
    return time.monotonic() + PATIENCE_SECONDS
