"""Rule 11: the Job was deleted, cancelled, or never made. What rests on absence takes one confirming look."""

from datetime import datetime

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case
from eightbells.reconciler.containers import is_running
from eightbells.reconciler.graces import JOB_MISSING
from eightbells.reconciler.marks import CANCELLED_ANNOTATION
from eightbells.reconciler.reports import ended_by_itself
from eightbells.reconciler.rules.attempt import judge_attempt
from eightbells.reconciler.times import between, later, timestamp
from eightbells.reconciler.verdict import Finding, NotYet, Verdict, fact, find, make_verdict

ONE_LOOK = "The Job is no longer in view: one GET before that is believed."


def job_deleted(case: Case) -> Verdict | NotYet | None:
    """Rule 11: an unfinished Job that is being deleted, or gone."""
    if case.job is None or _finished_before(case):
        return None
    if case.job.metadata.deletion_timestamp:
        return make_verdict(_deleted(case, case.job.metadata.deletion_timestamp))
    if case.snapshot.job_gone_at is None:
        return None
    if own := _ended_by_itself(case):
        return make_verdict(own)
    return _gone(case, case.snapshot.job_gone_at)


def job_missing(case: Case) -> Verdict | NotYet | None:
    """Registered, and no Job was ever seen: past the moment until which it may be created, and one look."""
    bus = case.snapshot.bus
    if case.job or bus is None or bus.job_uid or bus.create_before is None or case.pods:
        return None
    until = later(bus.create_before, JOB_MISSING)
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
    runs = any(is_running(one.pod, case.main) and not one.gone_at for one in case.pods) or None
    marked = case.job.annotations.get(CANCELLED_ANNOTATION) if case.job else None
    bus = case.snapshot.bus
    if marked or (bus and bus.cancelled_at):
        since = marked or timestamp(bus.cancelled_at if bus else None)
        evidence = (fact(name, f"metadata.annotations[{CANCELLED_ANNOTATION}]", since), deleted)
        return find(Code.CANCELLED, "11", f"It was cancelled at {since}.", evidence=evidence, may_still_run=runs)
    says = "Somebody deleted the Job, or its namespace, before it had finished."
    return find(Code.JOB_DELETED, "11", says, evidence=(deleted,), may_still_run=runs)


def _ended_by_itself(case: Case) -> Finding | None:
    """A pod whose main ended by itself says more than that its Job is gone."""
    for sighting in reversed(case.pods):
        found = judge_attempt(case, sighting)
        by_itself = sighting.pod.metadata.deletion_timestamp is None and not sighting.gone_at
        if found and found.rule.startswith("6") and (by_itself or ended_by_itself(case.report(sighting))):
            return found
    return None


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
