"""Looks at what is due in `open`: dispatches of which nobody has said anything for a while. It never asks the API.

Only those of its own namespaces are taken: what is taken is moved on, and others watch other namespaces.
"""

import time
from collections.abc import Callable

from eightbells.events.codes import Code
from eightbells.events.contract.limits import BATCH
from eightbells.reconciler.graces import ABSENT
from eightbells.reconciler.worker.agenda import Agenda
from eightbells.reconciler.worker.bus import Bus, Due
from eightbells.reconciler.worker.options import Options
from eightbells.reconciler.worker.subject import View, key_of

PAGES = 20
"""Batches of one sweep at most; the next one goes on."""

RELIST_SECONDS = 60.0
"""Between two relists because the bus lacks an ending that it had."""


class Sweeper:
    """Used by the one worker's thread. `lost` is called when the bus has forgotten an ending that it had."""

    def __init__(
        self,
        view: View,
        bus: Bus,
        agenda: Agenda,
        *,
        options: Options,
        lost: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._view = view
        self._bus = bus
        self._agenda = agenda
        self._options = options
        self._lost = lost
        self._clock = clock
        self._swept_at: float | None = None
        self._relisted_at: float | None = None

    @property
    def is_due(self) -> bool:
        """Whether it is time for a sweep."""
        return self._swept_at is None or self._clock() - self._swept_at >= self._options.sweep_seconds

    def sweep(self) -> None:
        """Put what is due on the agenda, and have each looked at again after a while. Raises `WorkerError`."""
        self._swept_at = self._clock()
        others = 0
        for _ in range(PAGES):
            due = self._bus.due(BATCH, others)
            mine = [one for one in due if self._is_mine(one)]
            others += len(due) - len(mine)
            # What has no Job yet may turn out to be missing; what has one is watched.
            self._take([one for one in mine if not one.job_uid], ABSENT[Code.JOB_MISSING])
            self._take([one for one in mine if one.job_uid], self._options.look_seconds)
            if len(due) < BATCH:
                return

    def _is_mine(self, due: Due) -> bool:
        """A dispatch whose namespace nobody knows is whose Job we see, or everybody's who sees everything."""
        names = self._options.namespaces
        return not names or due.namespace in names or bool(self._view.of_dispatch(due.dispatch))

    def _take(self, due: list[Due], seconds: float) -> None:
        if not due or self._options.is_dry:
            return
        dispatches = [one.dispatch for one in due]
        for dispatch, look in zip(dispatches, self._bus.look(dispatches, int(seconds * 1000)), strict=True):
            if look.status == "due":
                self._put(dispatch, look.job_uid)

    def _put(self, dispatch: str, uid: str) -> None:
        found = self._view.of_dispatch(dispatch)
        for one in found:
            self._agenda.put(one, is_deep=True)
        if found:
            return
        if uid and self._view.is_settled(uid):
            self._relist()
        self._agenda.put(key_of(dispatch))

    def _relist(self) -> None:
        now = self._clock()
        if self._relisted_at is None or now - self._relisted_at >= RELIST_SECONDS:
            self._relisted_at = now
            self._lost()
