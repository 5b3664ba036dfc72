"""Publishes what was decided, and does what each reply asks for: settle, look again, or try later.

An ending that the bus has accepted settles its Job, whoever made it: nothing more is ever to come of it.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from eightbells.events.reporting import Published
from eightbells.reconciler.informer.errors import ClusterError
from eightbells.reconciler.times import later
from eightbells.reconciler.worker.acting import Changing, end_early, release
from eightbells.reconciler.worker.agenda import Agenda
from eightbells.reconciler.worker.bus import Bus
from eightbells.reconciler.worker.metrics import Metrics
from eightbells.reconciler.worker.options import Options
from eightbells.reconciler.worker.proposal import Proposal
from eightbells.reconciler.worker.subject import Subject, View

_log = logging.getLogger(__name__)

LATER = 30.0
"""Seconds until something is tried again that the bus or the API has refused."""

NEVER = ("ok", "dup", "terminal", "expired")
"""Replies to an ending after which nothing is to come of its Job."""


class Publisher:
    """Publishes and settles, for the one worker. `expired`: runs that ended longer ago than records live."""

    def __init__(
        self,
        view: View,
        bus: Bus,
        connection: Changing,
        agenda: Agenda,
        *,
        options: Options,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._view = view
        self._bus = bus
        self._connection = connection
        self._agenda = agenda
        self._options = options
        self._metrics = metrics
        self._clock = clock
        self.expired: set[str] = set()

    def publish(self, proposals: Sequence[Proposal], now: datetime) -> None:
        """Publish events, attempts and endings together. Raises `BusDown`; then all of it is decided again."""
        if self._options.is_dry:
            for one in proposals:
                self._say("would publish", one, "dry_run")
                if one.verdict:
                    self.settle(one.subject)
            return
        replies = self._bus.publish([one.report for one in proposals]) if proposals else []
        for one, reply in zip(proposals, replies, strict=True):
            if reply.status == "error":
                self._refused(one, reply, now)
            elif one.verdict is None:
                self._attempt_told(one, reply)
            else:
                self._ending_sent(one, reply)

    def pass_over(self, subject: Subject) -> None:
        """Forget a Job; its pods' evidence may be somebody else's."""
        self._agenda.forget(subject.key)
        if self.expired:
            pods = {one.pod.uid for one in subject.snapshot.pods}
            self.expired -= {run for run in self.expired if run.rpartition(".")[0] in pods}
        if subject.uid:
            self._view.settle(subject.uid)

    def settle(self, subject: Subject) -> None:
        """Nothing is to come of this Job any more: let go of its pods' evidence, and forget it."""
        self.pass_over(subject)
        kept = [one.pod for one in subject.snapshot.pods if not one.gone_at]
        if not self._options.is_dry:
            self._try("lets go of the pods", subject, lambda: release(self._connection, kept))

    def _attempt_told(self, one: Proposal, reply: Published) -> None:
        if reply.status == "terminal":
            self.settle(one.subject)
            return
        if reply.status == "expired":
            self.expired.add(one.report.run)
        if reply.status == "ok":
            self._metrics.attempts.labels(one.code).inc()
            self._say("told of an attempt", one, reply.status)
        # Its Job may have ended meanwhile, and the record now has a new seq.
        self._agenda.put(one.subject.key, is_deep=True)

    def _ending_sent(self, one: Proposal, reply: Published) -> None:
        self._metrics.verdicts.labels(one.code, reply.status).inc()
        if reply.status not in NEVER:
            self._agenda.put(one.subject.key, is_deep=True)
            return
        if reply.status == "ok":
            self._metrics.seconds.observe(max(0.0, self._clock() - one.subject.item.since))
            self._say("published an ending", one, reply.status)
        self.settle(one.subject)
        if reply.status in ("ok", "dup"):
            self._enforce(one)

    def _enforce(self, one: Proposal) -> None:
        """End a Job that may still start, now that its dispatch has ended."""
        job = one.subject.snapshot.job
        if not self._options.enforce or job is None or one.verdict is None or not one.verdict.may_still_start:
            return
        self._try("ends the Job", one.subject, lambda: end_early(self._connection, job))

    def _refused(self, one: Proposal, reply: Published, now: datetime) -> None:
        extra = {"action": "refused", "dispatch": one.subject.dispatch, "error": reply.message}
        _log.error("the bus does not take an event", extra=extra)
        self._agenda.put_at(one.subject.key, later(now, LATER), now, is_deep=True)

    def _try(self, what: str, subject: Subject, act: Callable[[], Any]) -> None:
        """Change something in the cluster. The ending is out: what fails here is said, and leaves it as it is."""
        try:
            act()
        except ClusterError as error:
            extra = {"action": "not_changed", "what": what, "dispatch": subject.dispatch, "error": str(error)}
            _log.warning("the cluster does not let us", extra=extra)

    def _say(self, message: str, one: Proposal, status: str) -> None:
        job = one.subject.snapshot.job
        extra = {
            "action": "published",
            "status": status,
            "dispatch": one.subject.dispatch,
            "state": one.report.state,
            "code": one.code,
            "run": one.report.run,
            "job": f"{job.metadata.namespace}/{job.name}" if job else None,
        }
        _log.info(message, extra=extra)
