"""Rule 11 about a Job that the record names and nobody here has seen: it ended and was removed unwatched."""

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case, made_at
from eightbells.reconciler.containers import status_of
from eightbells.reconciler.deletions import asked_at
from eightbells.reconciler.reports import code_of, ended_by_itself
from eightbells.reconciler.rules.attempt import judge_attempt
from eightbells.reconciler.snapshot import Bus, Look, Sighting
from eightbells.reconciler.times import later, timestamp
from eightbells.reconciler.verdict import SUCCESSES, NotYet, Verdict, fact, find, make_verdict

AGAIN = 60.0
"""Seconds after which a Job that is there, and not in view, is looked for again."""


BEHIND = 5.0
"""Seconds by which the view of Jobs may be behind that of pods."""


def job_unseen(case: Case) -> Verdict | NotYet | None:
    """The record knows the Job's UID, and no Job is in view: one look, then what the command itself said, or nobody
    knows.
    """
    bus, look = case.snapshot.bus, case.snapshot.look
    if case.job or bus is None or not bus.job_uid:
        return None
    if too_early := _too_early(case, bus):
        return too_early
    if look is None:
        why = "The record names a Job that is not in view: one GET before that is believed."
        return NotYet(why=why, until=case.now, would_be=Code.UNKNOWN, look=("job",))
    if look.job != "gone" and look.uid in {"", bus.job_uid}:
        return NotYet(why="The Job is there, and will be in view.", until=later(case.now, AGAIN))
    if case.pods:
        return _left_behind(case, case.pods[-1], look)
    return _gone(bus, look)


def _too_early(case: Case, bus: Bus) -> NotYet | None:
    if bus.beat_until and bus.beat_until > case.now:
        return NotYet(why="The Job is not in view, and the wrapper's heart beats.", until=bus.beat_until)
    if not case.is_fresh:
        return NotYet(why="The view of the cluster is too old to say that something is gone.", until=later(case.now, 5))
    if case.pods and case.now < (until := later(made_at(case.pods[-1].pod), BEHIND)):
        return NotYet(why="The pod is in view, and its Job is not yet.", until=until)
    return None


def _left_behind(case: Case, sighting: Sighting, look: Look) -> Verdict:
    """Its pods are still to be seen: they were taken with it, unless the command had ended before."""
    found, asked = judge_attempt(case, sighting), asked_at(sighting)
    over = status_of(sighting.pod, case.main).now.terminated
    is_before = bool(over and (asked is None or (over.finished_at and over.finished_at < asked)))
    if found and found.rule.startswith("6") and (is_before or ended_by_itself(case.report(sighting))):
        return make_verdict(found)
    deleted = fact(f"pod {sighting.pod.name}", "metadata.deletionTimestamp", timestamp(asked), asked)
    evidence = (fact("job", "GET", "gone", look.at), deleted)
    bus, runs = case.snapshot.bus, case.is_running or None
    if bus and bus.cancelled_at:
        says = f"It was cancelled at {timestamp(bus.cancelled_at)}."
        return make_verdict(find(Code.CANCELLED, "11", says, evidence=evidence, may_still_run=runs))
    says = "Somebody deleted the Job, or its namespace, before its command had ended."
    return make_verdict(find(Code.JOB_DELETED, "11", says, evidence=evidence, may_still_run=runs))


def _gone(bus: Bus, look: Look) -> Verdict:
    evidence = (fact(f"record {bus.dispatch}", "uid", bus.job_uid), fact("job", "GET", "gone", look.at))
    if bus.newest and ended_by_itself(bus.newest) and (code := code_of(bus.newest)):
        says = "Its command ended by itself, and its Job was removed while nobody watched."
        code = Code.EXITED_ZERO if code in SUCCESSES else code
        return make_verdict(find(code, "11", says, fault=bus.newest.fault, evidence=evidence, report=bus.newest))
    if bus.cancelled_at:
        told = timestamp(bus.cancelled_at)
        return make_verdict(find(Code.CANCELLED, "11", f"It was cancelled at {told}.", evidence=evidence))
    says = "The Job ended and was removed while nobody watched."
    return make_verdict(find(Code.UNKNOWN, "11", says, evidence=evidence))
