"""Cancelling: mark the record, mark the Job, delete it, and see to it that there is one ending.

The record is marked first, so that whoever speaks meanwhile knows; the Job second, so that its deletion is known for a
cancel. The wrapper of a command that still ends says so; where it does not end the dispatch, and where nothing was ever
created, the ending is ours. What had ended before stands.
"""

import time
from collections.abc import Generator
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from eightbells.dispatcher.bus import Bus
from eightbells.dispatcher.ending import report_ending
from eightbells.dispatcher.errors import Conflict, Unavailable
from eightbells.dispatcher.jobs import Job, Jobs
from eightbells.dispatcher.names import CANCELLED_ANNOTATION, DISPATCH_ANNOTATION, job_name
from eightbells.dispatcher.record import read_verdict
from eightbells.dispatcher.tries import persist, soon
from eightbells.events.reporting import Cancelled
from eightbells.events.schema import Place, Verdict
from msgspec import Struct
from msgspec.structs import replace

WAIT_SECONDS = 120.0
"""How long the end of a Job is waited for by default: its grace of 30 seconds, and a busy node."""

LOOK_SECONDS = 0.5
"""Between two looks at a Job that is being deleted."""


class Cancellation(Struct, frozen=True):
    """cancelled: with `verdict` · ended: it had ended with `verdict`, which stands · cancelling: its Job is being
    deleted, and the ending is still to come.
    """

    id: str
    status: Literal["cancelled", "ended", "cancelling"]
    namespace: str = ""
    job: str = ""
    verdict: Verdict | None = None


Steps = Generator[float, None, Cancellation]
"""A cancel on its way: the seconds until each next step, and what became of it."""


class Canceller:
    """Cancels dispatches; threads share it. `namespace` is where the Job of one that was never registered would be."""

    def __init__(self, bus: Bus, jobs: Jobs, namespace: str) -> None:
        self._bus = bus
        self._jobs = jobs
        self._namespace = namespace

    def steps(self, dispatch: str, wait: float = WAIT_SECONDS) -> Steps:
        """Cancel a dispatch and wait so long for its end, a step at a time. Cancelling again is safe.

        Yields the seconds until the next step, which are for the caller to pass. Raises `DispatcherError`.
        """
        marked = persist(lambda: self._bus.cancel(dispatch), soon())
        if marked.status == "ended":
            return _ended(dispatch, Place(), read_verdict(b"failed", marked.verdict))
        if marked.cluster and marked.cluster != self._bus.cluster:
            raise Conflict(
                f"dispatch {dispatch} is marked, and its Job is in cluster {marked.cluster}, not in "
                f"{self._bus.cluster}: cancel it there, too"
            )
        place = self._place_of(dispatch, marked)
        job = self._find(dispatch, place)
        if job is not None and job.is_complete:
            return self._end(dispatch, place, job, is_complete=True)
        if job is not None:
            self._stop(job)
        return (yield from self._wait_and_end(dispatch, place, job, time.monotonic() + wait))

    def _wait_and_end(self, dispatch: str, place: Place, job: Job | None, until: float) -> Steps:
        """Wait until nobody is left who could speak, and then speak. Without a Job that we saw, whoever still beats
        learns of the cancel by that, and speaks for itself.
        """
        while True:
            record = persist(lambda: self._bus.read(dispatch), soon())
            if record is not None and record.verdict is not None:
                return _ended(dispatch, place, record.verdict)
            if not (self._is_there(job) if job is not None else record is not None and record.is_alive):
                # A command that was told to stop and exits with 0 may have made its Job complete: it is cancelled.
                return self._end(dispatch, place, job, is_complete=False)
            if time.monotonic() + LOOK_SECONDS > until:
                return Cancellation(dispatch, "cancelling", place.namespace or "", place.job or "")
            yield LOOK_SECONDS

    def _place_of(self, dispatch: str, marked: Cancelled) -> Place:
        name = marked.job or job_name(self._bus.namespace, dispatch)
        namespace = marked.namespace or self._namespace
        return Place(self._bus.cluster, namespace, name, marked.job_uid or None)

    def _find(self, dispatch: str, place: Place) -> Job | None:
        """Return the Job of the dispatch; one that only has its name is none of ours."""
        job = persist(lambda: self._jobs.get(place.namespace or "", place.job or ""), soon())
        return job if job is not None and job.annotations.get(DISPATCH_ANNOTATION) == dispatch else None

    def _is_there(self, job: Job) -> bool:
        found = persist(lambda: self._jobs.get(job.metadata.namespace, job.metadata.name), soon())
        return found is not None and found.metadata.uid == job.metadata.uid

    def _stop(self, job: Job) -> None:
        """Mark the Job and delete it."""
        if CANCELLED_ANNOTATION not in job.annotations:
            marks = {CANCELLED_ANNOTATION: datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")}
            persist(lambda: self._jobs.annotate(job, marks), soon())
        persist(lambda: self._jobs.delete(job), soon())

    def _end(self, dispatch: str, place: Place, job: Job | None, *, is_complete: bool) -> Cancellation:
        """Publish the ending, unless somebody else did; built anew for as long as the record changes under it."""
        while True:
            record = persist(lambda: self._bus.read(dispatch), soon())
            if record is None:
                raise Unavailable(f"the bus has lost the record of dispatch {dispatch}: cancel it again")
            if record.verdict is not None:
                return _ended(dispatch, place, record.verdict)
            place = replace(place, job_uid=place.job_uid or record.job_uid or None)
            report = report_ending(dispatch, record, place, job, is_complete=is_complete)
            published = persist(partial(self._bus.publish, report), soon())
            if published.status == "error":
                raise Unavailable(f"the bus does not take the ending of dispatch {dispatch}: {published.message}")


def advance(steps: Steps) -> float | Cancellation:
    """Take the next step of a cancel; return the seconds until the one after it, or what became of it."""
    try:
        return next(steps)
    except StopIteration as end:
        found: Cancellation = end.value
        return found


def _ended(dispatch: str, place: Place, verdict: Verdict) -> Cancellation:
    status: Literal["cancelled", "ended"] = "cancelled" if verdict.code == "cancelled" else "ended"
    return Cancellation(dispatch, status, place.namespace or "", place.job or "", verdict)
