"""A reconciler: the watch threads put what changed, one loop works it off, and sweeps. Everything else is passed in."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from eightbells.reconciler.worker.agenda import Agenda
from eightbells.reconciler.worker.continuity import Continuity
from eightbells.reconciler.worker.errors import WorkerError
from eightbells.reconciler.worker.metrics import Metrics
from eightbells.reconciler.worker.options import Options
from eightbells.reconciler.worker.sweeper import Sweeper
from eightbells.reconciler.worker.worker import Worker

_log = logging.getLogger(__name__)

WAIT_SECONDS = 1.0
"""How long the loop waits for a change at most, so that it sweeps and stops in time."""

STUCK_SECONDS = 120.0
"""Without a turn of the loop it is not alive: longer than any one request may take, in a batch that makes some."""


class Watching(Protocol):
    """What brings the changes."""

    @property
    def is_synced(self) -> bool:
        """Whether everything has been listed once."""

    @property
    def is_alive(self) -> bool:
        """Whether all its threads run."""


class Reconciler:
    """The loop, in the thread that calls `run`; any thread may `stop` it."""

    def __init__(
        self,
        informer: Watching,
        worker: Worker,
        sweeper: Sweeper,
        continuity: Continuity,
        agenda: Agenda,
        *,
        options: Options,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._informer = informer
        self._worker = worker
        self._sweeper = sweeper
        self._continuity = continuity
        self._agenda = agenda
        self._options = options
        self._metrics = metrics
        self._clock = clock
        self._stopping = threading.Event()
        self._turned_at = clock()
        metrics.depth.set_function(lambda: agenda.depth)

    def run(self) -> None:
        """Work until stopped; with `is_once` until nothing is left to do. Raises `WorkerError` only then."""
        self._until_synced()
        while not self._stopping.is_set():
            try:
                done = self._turn()
            except WorkerError as error:
                if self._options.is_once:
                    raise
                self._put_off(error)
                continue
            if self._options.is_once and not done and not self._agenda.depth:
                return

    def stop(self) -> None:
        """Have the loop end after what it is doing."""
        self._stopping.set()

    def why_not_alive(self) -> str | None:
        """Return why there is no progress; None where there is."""
        if not self._informer.is_alive:
            return "a thread that watches has ended"
        seconds = self._clock() - max(self._turned_at, self._worker.judged_at)
        return f"the loop has not turned for {seconds:.0f} s" if seconds > STUCK_SECONDS else None

    def why_not_ready(self) -> str | None:
        """Return why no verdict can be expected yet; None where all is in view and the bus answers."""
        if not self._informer.is_synced:
            return "the Jobs and pods have not all been listed yet"
        return "the bus does not answer" if self._continuity.is_down else None

    def _until_synced(self) -> None:
        """Before everything was listed once an old Job may look as if it had no pods."""
        while not self._informer.is_synced and not self._stopping.wait(0.02):
            self._turned_at = self._clock()
        _log.info("watches the cluster", extra={"action": "watching", "jobs": self._agenda.depth})

    def _turn(self) -> int:
        self._turned_at = self._clock()
        if self._sweeper.is_due or self._continuity.is_down:
            self._continuity.check()
            self._sweeper.sweep()
        is_waiting = not (self._options.is_once or self._continuity.is_down)
        done = self._worker.work(WAIT_SECONDS if is_waiting else 0.0)
        self._continuity.worked()
        return done

    def _put_off(self, error: WorkerError) -> None:
        if not self._continuity.is_down:
            self._metrics.outages.inc()
        self._stopping.wait(self._continuity.failed(error))
