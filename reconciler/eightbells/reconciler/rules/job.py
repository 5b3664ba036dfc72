"""Rules 0 to 3: what the bus and the Job's own conditions say. The Job's condition ends the dispatch."""

from eightbells.events.codes import Code
from eightbells.events.schema import Data, Evidence
from eightbells.reconciler.case import Case, count_failed, count_succeeded
from eightbells.reconciler.containers import asked_for, is_running, status_of
from eightbells.reconciler.graces import DYING
from eightbells.reconciler.marks import is_wrapped
from eightbells.reconciler.objects import Terminated
from eightbells.reconciler.reports import code_of, is_final
from eightbells.reconciler.rules.attempt import judge_attempt
from eightbells.reconciler.rules.failure import condition_fact, judge_failure
from eightbells.reconciler.rules.witness import was_told, with_witness
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import later
from eightbells.reconciler.verdict import SUCCESSES, NotYet, Verdict, find, make_verdict
from msgspec.structs import replace

WHOLE_SECOND = 1.0
"""A condition's time is cut to seconds: what it rests on may have come so much later."""

BEHIND = 5.0
"""Seconds that a verdict waits for pods which the Job already counts."""


def already_ended(case: Case) -> NotYet | None:
    """Rule 0: the bus has the ending."""
    if not (case.snapshot.bus and case.snapshot.bus.is_ended):
        return None
    return NotYet(why="The bus has the ending of this dispatch already.", is_settled=True)


def not_this_dispatch(case: Case) -> NotYet | None:
    """A Job that is not the record's is not this dispatch: said once, never published."""
    bus, job = case.snapshot.bus, case.job
    if not (bus and bus.job_uid and job and job.uid) or bus.job_uid == job.uid:
        return None
    why = f"The record of {bus.dispatch} is about the Job with UID {bus.job_uid}, and this one has {job.uid}."
    return NotYet(why=why, warnings=("another_job",), is_settled=True)


def pods_are_behind(case: Case) -> NotYet | None:
    """Rule 1: a verdict from a Job's condition needs a view of the pods that is at least as new."""
    condition = case.success or case.failure
    pods_at = case.snapshot.freshness.pods_at
    if condition and not case.snapshot.freshness.is_synced:
        return NotYet(why="The pods have not all been read yet.", until=later(case.now, BEHIND))
    at = condition.last_transition_time if condition else None
    if at is None or pods_at is None or pods_at >= later(at, WHOLE_SECOND) or _are_in_view(case):
        return None
    until = later(at, BEHIND)
    if case.now < until:
        return NotYet(why="The Job has finished, and its pods were last seen before that.", until=until)
    return NotYet(
        why="The Job has finished, and its pods are not to be seen: one LIST by controller-uid.",
        until=case.now,
        look=("pods",),
    )


def job_succeeded(case: Case) -> Verdict | None:
    """Rule 2: SuccessCriteriaMet, or Complete."""
    if case.success is None or case.job is None:
        return None
    evidence = condition_fact(case.job, case.success)
    for sighting in reversed(case.pods):
        over = status_of(sighting.pod, case.main).now.terminated
        report = case.report(sighting)
        if over and over.exit_code:
            continue
        if over or is_final(report):
            return _success(case, sighting, report, evidence)
    report = case.snapshot.bus.newest if case.snapshot.bus else None
    is_told = is_final(report) and code_of(report) == Code.EXITED_ZERO
    says = "The Job says that it succeeded, and no pod of it is left to say more."
    code = Code.EXITED_ZERO if is_told else Code.COMPLETED_WITHOUT_REPORT
    found = find(code, "2", says, evidence=(evidence,), report=report if is_told else None)
    return make_verdict(found, may_still_run=case.is_running or None)


def _success(case: Case, sighting: Sighting, report: Data | None, evidence: Evidence) -> Verdict:
    over = status_of(sighting.pod, case.main).now.terminated or Terminated(exit_code=0)
    code, spoilt = Code.COMPLETED_WITHOUT_REPORT, code_of(report)
    warnings = ["oom_kill_observed"] if over.reason == "OOMKilled" else []
    if report and is_final(report) and spoilt and (report.exit_code or 0) == 0:
        code = spoilt
    elif is_wrapped(sighting.pod, asked_for(sighting.pod, case.main).command):
        warnings.append("no_report")
    says = f'The Job succeeded: "{case.main}" exited with 0.'
    if code not in SUCCESSES:
        says = f'The Job succeeded, and the wrapper says of "{case.main}": {report.message if report else code}.'
    found = find(code, "2", says, fault="unknown", evidence=(evidence,), warnings=tuple(warnings))
    told = report.terminated_by if report else was_told(sighting, over)
    found = replace(with_witness(case, sighting, found), terminated_by=told)
    return make_verdict(found, may_still_run=case.is_running or None)  # with a successPolicy


def _are_in_view(case: Case) -> bool:
    """Whether as many pods are seen to have ended that way as the Job counts, and one at least."""
    if case.success:
        ends = [status_of(one.pod, case.main).now.terminated for one in case.pods]
        return sum(over is not None and over.exit_code == 0 for over in ends) >= max(1, count_succeeded(case.job))
    found = [judge_attempt(case, one) for one in case.pods if one.pod.uid not in case.victims]
    return sum(one is not None and one.code not in SUCCESSES for one in found) >= max(1, count_failed(case.job))


def somebody_is_dying(case: Case) -> NotYet | None:
    """Rule 1: while a pod of the attempt is being deleted and its main runs, nobody has ended."""
    is_its_doing = bool(case.failure and case.failure.reason == "DeadlineExceeded")  # then its victim is the attempt
    for sighting in case.pods:
        ends = sighting.pod.metadata.deletion_timestamp
        if ends is None or sighting.gone_at or (sighting.pod.uid in case.victims and not is_its_doing):
            continue
        until = later(ends, DYING)
        if is_running(sighting.pod, case.main) and case.now < until:
            why = f'{sighting.pod.name} is being deleted, and "{case.main}" in it still runs.'
            return NotYet(why=why, until=until)
    return None


def job_failed(case: Case) -> Verdict | NotYet | None:
    """Rule 3: FailureTarget, or Failed."""
    return judge_failure(case, case.failure) if case.failure and case.job else None
