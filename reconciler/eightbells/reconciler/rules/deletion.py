"""Rule 11: the Job was deleted, cancelled, or never made. What rests on absence takes one confirming look."""

from datetime import datetime

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case
from eightbells.reconciler.containers import status_of
from eightbells.reconciler.deletions import asked_at
from eightbells.reconciler.marks import CANCELLED_ANNOTATION
from eightbells.reconciler.reports import ended_by_itself
from eightbells.reconciler.rules.attempt import judge_attempt
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import between, later, timestamp
from eightbells.reconciler.verdict import SUCCESSES, Finding, NotYet, Verdict, fact, find, make_verdict

ONE_LOOK = "The Job is no longer in view: one GET before that is believed."


def job_deleted(case: Case) -> Verdict | NotYet | None:
    """Rule 11: an unfinished Job that is being deleted, or gone."""
    if case.job is None or _finished_before(case):
        return None
    deleted, gone = case.job.metadata.deletion_timestamp, case.snapshot.job_gone_at
    if deleted is None and gone is None:
        return None
    own = _ended_by_itself(case)
    if own and (own.code in SUCCESSES or not _is_cancelled(case)):
        return make_verdict(own)
    return make_verdict(_deleted(case, deleted)) if deleted else _gone(case, gone or case.now)


def job_missing(case: Case) -> Verdict | NotYet | None:
    """Registered, and no Job was ever seen: past the moment until which it may be created, and one look."""
    bus = case.snapshot.bus
    if case.job or bus is None or bus.job_uid or bus.create_before is None or case.pods:
        return None
    until = later(bus.create_before, case.graces.of(Code.JOB_MISSING))
    if case.now < until:
        return NotYet(why="No Job has been seen, and it may still be created.", until=until, would_be=Code.JOB_MISSING)
    if (asked := _ask(case, Code.JOB_MISSING)) or case.snapshot.look is None:
        return asked
    if case.snapshot.look.job != "gone":
        return NotYet(why="The Job is there, and will be in view.", until=later(case.now, 60))
    told = timestamp(bus.create_before)
    evidence = (
        fact(f"record {bus.dispatch}", "create_before", told),
        fact("job", "GET", "gone", case.snapshot.look.at),
    )
    if bus.cancelled_at:
        return make_verdict(find(Code.CANCELLED, "11", "It was cancelled before it had a Job.", evidence=evidence))
    says = f"It was registered, and no Job was created by {told}."
    return make_verdict(find(Code.JOB_MISSING, "11", says, evidence=evidence))


def _finished_before(case: Case) -> bool:
    """Whether the Job had finished before anybody deleted it: then its own verdict comes first, and the rest is
    cleanup.
    """
    condition = case.success or case.failure
    deleted = case.job.metadata.deletion_timestamp if case.job else None
    if condition is None:
        return False
    at = condition.last_transition_time
    return condition is case.success or deleted is None or at is None or at <= deleted


def _deleted(case: Case, at: datetime) -> Finding:
    name = f"job {case.job.name}" if case.job else "job"
    deleted = fact(name, "metadata.deletionTimestamp", timestamp(at), at)
    runs = case.is_running or None
    if _is_cancelled(case):
        bus, marked = case.snapshot.bus, case.job.annotations.get(CANCELLED_ANNOTATION) if case.job else None
        since = marked or timestamp(bus.cancelled_at if bus else None)
        evidence = (fact(name, f"metadata.annotations[{CANCELLED_ANNOTATION}]", since), deleted)
        return find(Code.CANCELLED, "11", f"It was cancelled at {since}.", evidence=evidence, may_still_run=runs)
    says = "Somebody deleted the Job, or its namespace, before it had finished."
    return find(Code.JOB_DELETED, "11", says, evidence=(deleted,), may_still_run=runs)


def _is_cancelled(case: Case) -> bool:
    bus, job = case.snapshot.bus, case.job
    return bool((job and job.annotations.get(CANCELLED_ANNOTATION)) or (bus and bus.cancelled_at))


def _ended_by_itself(case: Case) -> Finding | None:
    """The newest pod's main ended by itself: that says more than that its Job goes. One of several is not the Job."""
    sighting = case.pods[-1] if case.pods else None
    if sighting is None or not (_ended_before_deletion(case, sighting) or ended_by_itself(case.report(sighting))):
        return None
    found = judge_attempt(case, sighting)
    if found is None or not found.rule.startswith("6") or (found.code in SUCCESSES and not case.is_single):
        return None
    return found


def _ended_before_deletion(case: Case, sighting: Sighting) -> bool:
    asked, over = asked_at(sighting), status_of(sighting.pod, case.main).now.terminated
    if asked is None:
        return not sighting.gone_at
    return bool(over and over.finished_at and over.finished_at < asked)


def _gone(case: Case, at: datetime) -> Verdict | NotYet:
    if asked := _ask(case, Code.JOB_DELETED):
        return asked
    look = case.snapshot.look
    if look and look.job == "present" and look.uid in {"", case.job.uid if case.job else ""}:
        return NotYet(why="The Job is still there, and no longer carries our label.", warnings=("label_removed",))
    found = _deleted(case, at)
    seen = case.snapshot.job_seen_at
    ttl = case.job.wants.ttl_seconds_after_finished if case.job else None
    if found.code == Code.CANCELLED or ttl is None or seen is None or between(seen, at) < ttl:
        return make_verdict(found)
    says = f"The Job ended and was removed while nobody watched; it was last seen at {timestamp(seen)}."
    return make_verdict(find(Code.UNKNOWN, "11", says, evidence=found.evidence))


def _ask(case: Case, code: Code) -> NotYet | None:
    """Return that somebody has to look first, where nobody has."""
    if not case.is_fresh:
        return NotYet(why="The view of the cluster is too old to say that something is gone.", until=later(case.now, 5))
    if case.snapshot.look is None:
        return NotYet(why=ONE_LOOK, until=case.now, would_be=code, look=("job",))
    return None
