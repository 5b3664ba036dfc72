"""Whether the bus is still the one that has our endings. A server that lost what it acknowledged has another run_id.

Where it does not tell its run_id, every time that it comes back counts as another life.
"""

import logging
import random
import time
from collections.abc import Callable

from eightbells.reconciler.worker.bus import Bus
from eightbells.reconciler.worker.errors import WorkerError

_log = logging.getLogger(__name__)

FIRST_SECONDS, LIMIT_SECONDS = 0.1, 5.0


class Continuity:
    """Used by the one worker's thread. `lost` is called when the server may have lost what it had."""

    def __init__(self, bus: Bus, lost: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._bus = bus
        self._lost = lost
        self._clock = clock
        self._run_id: str | None = None
        self._is_known = False
        self._was_away = False
        self._failures = 0
        self._since = 0.0

    @property
    def is_down(self) -> bool:
        """Whether the bus has not done its part since it failed."""
        return self._failures > 0

    def failed(self, error: WorkerError) -> float:
        """Note that the bus failed; return after how many seconds to try again, with full jitter."""
        if not self._failures:
            self._since, self._was_away = self._clock(), True
            _log.warning("the bus does not answer", extra={"action": "outage_began", "error": str(error)})
        self._failures += 1
        return random.uniform(0, min(LIMIT_SECONDS, FIRST_SECONDS * 2 ** min(self._failures, 16)))  # noqa: S311

    def check(self) -> None:
        """Ask whether it is the same server, after an outage and from time to time. Raises `WorkerError`."""
        found = self._bus.run_id()
        is_other = self._was_away if found is None else found != self._run_id
        if self._is_known and is_other:
            _log.warning("the bus may have lost endings: all are checked again", extra={"action": "bus_changed"})
            self._lost()
        self._run_id, self._is_known, self._was_away = found, True, False

    def worked(self) -> None:
        """Note that all was done: a server that answers may still be too full to take anything."""
        if self._failures:
            seconds = round(self._clock() - self._since, 3)
            _log.warning("the bus answers again", extra={"action": "outage_ended", "seconds": seconds})
        self._failures = 0
