"""The server goes away and comes back: said once each, with full-jitter back-off between the tries."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from eightbells.consumer.connection import RedisError, is_outage

FIRST_SECONDS = 0.05
LIMIT_SECONDS = 5.0

_log = logging.getLogger(__name__)
T = TypeVar("T")


def full_jitter(failures: int, first: float, limit: float) -> float:
    """Return a delay in seconds between 0 and `first` doubled at each failure, `limit` at most.

    Full jitter spreads the retries of many clients best: https://aws.amazon.com/builders-library, "Timeouts,
    retries and backoff with jitter".
    """
    return random.uniform(0, min(limit, first * 2 ** min(failures, 32)))  # noqa: S311


class Link:
    """What a consumer knows of the health of its server, shared by all its loops."""

    def __init__(self) -> None:
        self._failures = 0
        self._since = 0.0

    @property
    def is_down(self) -> bool:
        """Whether the last call failed."""
        return self._failures > 0

    def worked(self) -> None:
        """Note a reply of the server."""
        if self._failures:
            seconds = round(time.monotonic() - self._since, 3)
            _log.warning("the server answers again", extra={"action": "outage_ended", "seconds": seconds})
            self._failures = 0

    def failed(self, error: RedisError) -> float:
        """Note a failed call; return how long to wait before the next."""
        if not self._failures:
            self._since = time.monotonic()
            _log.warning("the server does not answer", extra={"action": "outage_began", "error": str(error)})
        self._failures += 1
        return full_jitter(self._failures, FIRST_SECONDS, LIMIT_SECONDS)

    async def persist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that is safe to repeat, until the server answers it. Errors that waiting cannot cure pass."""
        while True:
            try:
                reply = await call()
            except RedisError as error:
                if not is_outage(error):
                    raise
                await asyncio.sleep(self.failed(error))
            else:
                self.worked()
                return reply
