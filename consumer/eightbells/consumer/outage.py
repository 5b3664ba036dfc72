"""The server goes away and comes back: said once each, with full-jitter back-off between the failed_calls."""

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

    Full jitter spreads the refailed_calls of many clients best: https://aws.amazon.com/builders-library, "Timeouts,
    refailed_calls and backoff with jitter".
    """
    return random.uniform(0, min(limit, first * 2 ** min(failures, 32)))  # noqa: S311


class Link:
    """What a consumer knows of the health of its server, shared by all its loops.

    An outage lasts while any call waits for another try, and `waiting` counts them: a replica, or a server that is
    loading, answers some calls and not others. `failed_calls` counts the calls that failed, in all outages.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self.failed_calls = 0
        self._since = 0.0

    async def persist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that is safe to repeat, until the server answers it. Errors that waiting cannot cure pass."""
        try:
            return await call()
        except RedisError as error:
            if not is_outage(error):
                raise
            self._begin(error)
        try:
            reply = await self._try_again(call)
        except BaseException:
            # Given up, or refused for good: this says nothing about an end of the outage.
            self.waiting -= 1
            raise
        self._end()
        return reply

    async def _try_again(self, call: Callable[[], Awaitable[T]]) -> T:
        failures = 1
        while True:
            await asyncio.sleep(full_jitter(failures, FIRST_SECONDS, LIMIT_SECONDS))
            try:
                return await call()
            except RedisError as error:
                if not is_outage(error):
                    raise
                failures += 1
                self.failed_calls += 1

    def _begin(self, error: RedisError) -> None:
        self.waiting += 1
        self.failed_calls += 1
        if self.waiting == 1:
            self._since = time.monotonic()
            _log.warning("the server does not answer", extra={"action": "outage_began", "error": str(error)})

    def _end(self) -> None:
        self.waiting -= 1
        if not self.waiting:
            seconds = round(time.monotonic() - self._since, 3)
            _log.warning("the server answers again", extra={"action": "outage_ended", "seconds": seconds})
