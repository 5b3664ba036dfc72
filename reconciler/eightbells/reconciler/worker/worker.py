"""The one worker: takes what changed, reads the records it needs in a batch, decides, and has it published.

It acts on state, not on which change said so: ids wait, verdicts are derived again. What the cluster shows is judged
before anything is read from the bus, so a Job that merely goes on costs the bus nothing.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from eightbells.events.contract.limits import BATCH
from eightbells.reconciler.attempts import list_attempts
from eightbells.reconciler.case import Case
from eightbells.reconciler.classify import classify
from eightbells.reconciler.informer.errors import ClusterError, Unavailable
from eightbells.reconciler.marks import start_timeout_of
from eightbells.reconciler.snapshot import Snapshot
from eightbells.reconciler.times import later
from eightbells.reconciler.verdict import Asked, NotYet, Verdict
from eightbells.reconciler.worker.agenda import Agenda
from eightbells.reconciler.worker.asking import Asker
from eightbells.reconciler.worker.bus import Bus
from eightbells.reconciler.worker.decision import Ask, Sights, await_last_word, decide
from eightbells.reconciler.worker.errors import WorkerError
from eightbells.reconciler.worker.metrics import Metrics
from eightbells.reconciler.worker.options import Options
from eightbells.reconciler.worker.progress import untold
from eightbells.reconciler.worker.proposal import Proposal, propose
from eightbells.reconciler.worker.publisher import LATER, Publisher
from eightbells.reconciler.worker.record import Record
from eightbells.reconciler.worker.subject import Subject, View, find_subject, problem_of, seen_with
from eightbells.reconciler.worker.testimony import Dossier

_log = logging.getLogger(__name__)


LISTS = 3
"""Lists for which a finished Job must stay: one may fail, and one may have begun just before it finished."""

Complete = Callable[[Snapshot, tuple[Asked, ...], tuple[str, str], datetime], Snapshot]
"""Returns a snapshot with answers, about a Job of this namespace and name."""


class _MustAsk(Exception):
    """A decision rests on what only the API can say."""


def _ask_nobody(*_: object) -> Snapshot:
    raise _MustAsk


class Worker:
    """One thread works here. `now` is the API server's time, `clock` a monotonic one; `judged_at` is on it."""

    def __init__(
        self,
        view: View,
        bus: Bus,
        asker: Asker,
        publisher: Publisher,
        agenda: Agenda,
        *,
        options: Options,
        metrics: Metrics,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._view = view
        self._bus = bus
        self._asker = asker
        self._publisher = publisher
        self._agenda = agenda
        self._options = options
        self._metrics = metrics
        self._now = now
        self._clock = clock
        self._sights = Sights()
        self._told: dict[str, frozenset[str]] = {}
        self._has_warned = False
        self.judged_at = clock()

    def work(self, wait: float) -> int:
        """Take a batch and see to it; wait so many seconds for one. Return how many there were.

        Raises `WorkerError` when the bus fails: then all of the batch waits for the next time.
        """
        items = self._agenda.take(BATCH, wait)
        found = [subject for item in items if (subject := find_subject(self._view, item))]
        try:
            self._see_to([subject for subject in found if self._is_ours(subject)])
        except WorkerError:
            self._agenda.give_back(items)
            raise
        return len(items)

    def _see_to(self, subjects: list[Subject]) -> None:
        wanted = [subject for subject in subjects if self._wants_record(subject)]
        ended = self._bus.ended([subject.dispatch for subject in wanted])
        for subject in (one for one in wanted if one.dispatch in ended):
            self._metrics.others.inc()
            self._settle(subject)
        open_ = [subject for subject in wanted if subject.dispatch not in ended]
        records = self._bus.read([subject.dispatch for subject in open_])
        proposals: list[Proposal] = []
        asking: list[Subject] = []
        for subject in open_:
            try:
                proposals += self._judge(subject, records[subject.dispatch], _ask_nobody)
            except _MustAsk:
                asking.append(subject)
        self._publisher.publish(proposals, self._now())
        self._ask_and_see_to(asking, records)

    def _ask_and_see_to(self, subjects: list[Subject], records: dict[str, Record]) -> None:
        """Each by itself, when the others are published: an answer may take half a minute, and there may be none."""
        while subjects:
            subject = subjects.pop(0)
            try:
                proposals = self._judge(subject, records[subject.dispatch], self._asker.complete)
            except ClusterError as error:
                # An API that does not answer one does not answer the others.
                self._put_off([subject, *subjects] if isinstance(error, Unavailable) else [subject], error)
                if isinstance(error, Unavailable):
                    return
            else:
                self._publisher.publish(proposals, self._now())

    def _put_off(self, subjects: list[Subject], error: ClusterError) -> None:
        now = self._now()
        extra = {"action": "put_off", "dispatch": subjects[0].dispatch, "count": len(subjects), "error": str(error)}
        _log.warning("cannot ask the cluster", extra=extra)
        for subject in subjects:
            self._agenda.put_at(subject.key, later(now, error.retry_after or LATER), now, is_deep=True)

    def _warn_of_polling(self, subject: Subject) -> None:
        """A Job that goes away between two lists is told as if nobody had watched. Said once."""
        poll, job = self._options.poll, subject.snapshot.job
        ttl = job.wants.ttl_seconds_after_finished if job else None
        if poll is None or ttl is None or ttl >= LISTS * poll or self._has_warned:
            return
        self._has_warned = True
        extra = {"action": "ttl_too_short", "dispatch": subject.dispatch, "ttl": ttl, "needed": LISTS * poll}
        _log.warning("a Job stays for less than three lists: let it stay longer, or list more often", extra=extra)

    def _is_ours(self, subject: Subject) -> bool:
        problem = problem_of(subject, self._bus.namespace)
        if problem:
            extra = {"action": "not_ours", "dispatch": subject.dispatch[:200], "job_uid": subject.uid, "why": problem}
            _log.info("passes over a Job", extra=extra)
            self._publisher.pass_over(subject)
        return not problem

    def _wants_record(self, subject: Subject) -> bool:
        """Whether what the cluster shows calls for the record; where it does not, note when to look again."""
        if subject.item.is_deep or subject.snapshot.job is None:
            return True
        self._warn_of_polling(subject)
        now = self._now()
        said = self._held(subject, classify(subject.snapshot, now, self._options.graces), now)
        if isinstance(said, Verdict) or said.look or self._has_untold(subject, now):
            return True
        self._agenda.put_at(subject.key, said.until, now, is_deep=False)
        return False

    def _has_untold(self, subject: Subject, now: datetime) -> bool:
        case = Case(subject.snapshot, now, self._options.graces)
        attempts = list_attempts(subject.snapshot, now, self._options.graces)
        return any(one.run not in self._told.get(subject.uid, ()) for one in untold(attempts, case, None))

    def _judge(self, subject: Subject, record: Record, complete: Complete) -> list[Proposal]:
        """Decide about one dispatch. Errors of `complete` pass."""
        self.judged_at = self._clock()
        now, graces = self._now(), self._options.graces
        place = subject.place(record)
        snapshot = seen_with(subject, self._view, record, now)
        said, snapshot = decide(snapshot, now, graces, lambda seen, asked: complete(seen, asked, place, now))
        snapshot = self._with_causes(snapshot, record, lambda seen, asked: complete(seen, asked, place, now))
        said = await_last_word(said, Case(snapshot, now, graces), record)
        return self._conclude(subject, record, self._held(subject, said, now), snapshot, now)

    def _conclude(
        self, subject: Subject, record: Record, said: Verdict | NotYet, snapshot: Snapshot, now: datetime
    ) -> list[Proposal]:
        if isinstance(said, NotYet) and said.is_settled:
            self._say_another(subject, said)
            self._settle(subject)
            return []
        case = Case(snapshot, now, self._options.graces)
        attempts = list_attempts(snapshot, now, self._options.graces)
        dossier = Dossier(case=case, record=record, cluster=self._bus.cluster, attempts=attempts)
        if subject.uid:
            self._told[subject.uid] = frozenset(one.run for one in untold(attempts, case, None))
        if isinstance(said, NotYet):
            self._wait(subject, said, now)
        return propose(subject, said, dossier, self._publisher.expired, at_once=self._options.is_dry)

    def _with_causes(self, snapshot: Snapshot, record: Record, ask: Ask) -> Snapshot:
        """Ask for what the attempts rest on that nobody has told yet."""
        now = self._now()
        case = Case(snapshot, now, self._options.graces)
        found = [one.finding for one in untold(list_attempts(snapshot, now, self._options.graces), case, record)]
        asked: list[Asked] = []
        if snapshot.events is None and any(one.rests_on_events for one in found):
            asked.append("events")
        if snapshot.nodes is None and any(one.rests_on_node for one in found):
            asked.append("node")
        return ask(snapshot, tuple(asked)) if asked else snapshot

    def _held(self, subject: Subject, said: Verdict | NotYet, now: datetime) -> Verdict | NotYet:
        if self._options.is_once:
            return said
        graces = self._options.graces.capped(start_timeout_of(subject.snapshot.job))
        return self._sights.hold(subject.key, said, graces, now, self._clock())

    def _wait(self, subject: Subject, said: NotYet, now: datetime) -> None:
        # Where nobody could be asked, because the place of its Job is not known, it would be due again at once.
        until = later(now, LATER) if said.look else said.until
        self._agenda.put_at(subject.key, until, now, is_deep=True)

    def _settle(self, subject: Subject) -> None:
        self._sights.forget(subject.key)
        self._told.pop(subject.uid, None)
        self._publisher.settle(subject)

    def _say_another(self, subject: Subject, said: NotYet) -> None:
        if "another_job" in said.warnings:
            extra = {"action": "another_job", "dispatch": subject.dispatch, "job_uid": subject.uid, "why": said.why}
            _log.warning("a Job has the id of another one's dispatch", extra=extra)
