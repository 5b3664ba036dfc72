"""Rule 3: a Job that failed. Its condition says that, and rarely why: the cause is that of the pod it failed on."""

from eightbells.events.codes import Code
from eightbells.events.schema import Evidence
from eightbells.reconciler.case import Case, says_nothing_of_pods
from eightbells.reconciler.containers import has_started
from eightbells.reconciler.messages import PolicyMatch, read_policy_match
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.parts import Condition
from eightbells.reconciler.rules.attempt import judge_attempt
from eightbells.reconciler.rules.creation import FAILED_CREATE, judge_creation
from eightbells.reconciler.rules.pending import judge_pending
from eightbells.reconciler.rules.remains import by_pending_events
from eightbells.reconciler.rules.traces import by_policy, by_traces
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import between
from eightbells.reconciler.verdict import SUCCESSES, Finding, NotYet, Verdict, fact, find, make_verdict
from msgspec.structs import replace

WITH_ITS_NAMESPACE = 20.0
"""Seconds: a namespace that is being deleted takes the pods first and the Job about ten seconds later."""


def condition_fact(job: Job, condition: Condition) -> Evidence:
    """Return what a Job's condition says."""
    value = f"{condition.reason or '?'}: {condition.message or ''}"
    return fact(f"job {job.name}", f"status.conditions[{condition.type}]", value, condition.last_transition_time)


def judge_failure(case: Case, condition: Condition) -> Verdict | NotYet | None:
    """Return why the Job failed."""
    if case.job is None:
        return None
    evidence = condition_fact(case.job, condition)
    if condition.reason == "DeadlineExceeded":
        found: Finding = _deadline(case, evidence)
    else:
        found = _attempt(case, condition) or _nothing(case, evidence)
    found = replace(found, evidence=(*found.evidence, evidence) if evidence not in found.evidence else found.evidence)
    return _with_its_job(case, condition, found)


def newest_failed(case: Case) -> tuple[Sighting, Finding] | None:
    """Return the newest pod that failed and is not the Job's victim, and why; with OnFailure the victim may be all."""
    judged = [(one, found) for one in reversed(case.pods) if (found := judge_attempt(case, one))]
    failed = [(one, found) for one, found in judged if found.code not in SUCCESSES]
    theirs = [pair for pair in failed if pair[0].pod.uid not in case.victims]
    return next(iter(theirs or _crashed(case, failed)), None)


def _crashed(case: Case, failed: list[tuple[Sighting, Finding]]) -> list[tuple[Sighting, Finding]]:
    """Those of the Job's victims that say how they ended before it deleted them."""
    return failed if case.spec.restart_policy == "OnFailure" else []


def _attempt(case: Case, condition: Condition) -> Finding | None:
    match = read_policy_match(condition.message or "") if condition.reason == "PodFailurePolicy" else None
    if match and (named := next((one for one in case.pods if one.pod.name == match.pod), None)):
        found = judge_attempt(case, named)
        if found and found.code not in SUCCESSES:
            return found
    if match and not any(one.pod.name == match.pod for one in case.pods):
        return _lost_match(case, match)
    newest = newest_failed(case)
    return newest[1] if newest else by_policy(case, match) if match else None


def _lost_match(case: Case, match: PolicyMatch) -> Finding:
    """The pod is gone, and the condition kept its exit code or that it was disrupted; its Events may know more."""
    if match.exit_code is None and (found := by_traces(case, match.pod)) and found.code != Code.POD_DELETED:
        return found
    return by_policy(case, match)


def _nothing(case: Case, evidence: Evidence) -> Finding:
    for name in names_of_the_gone(case):
        if found := by_traces(case, name):
            return found
    says = "The Job failed, and neither a pod nor an Event of one is left to say why."
    return find(Code.CAUSE_LOST, "3", says, evidence=(evidence,), rests_on_events=True)


def names_of_the_gone(case: Case) -> list[str]:
    """The pods that the Job made, by its own Events, newest first; without such Events by what is named after it."""
    prefix, made = "Created pod: ", case.about_job("SuccessfulCreate")
    ordered = sorted(made, key=lambda event: event.at.timestamp() if event.at else 0.0, reverse=True)
    named = [event.said.removeprefix(prefix) for event in ordered]
    about = [event.involved_object.name or "" for event in case.events if event.involved_object.kind == "Pod"]
    others = sorted(name for name in about if case.job and case.job.may_have_made(name))
    return named or list(dict.fromkeys(others))


def _deadline(case: Case, evidence: Evidence) -> Finding:
    """The deadline is the end of what ran, and of what never started it is only when that was given up."""
    started = [one for one in case.pods if has_started(one, case.main)]
    pending = None if started else _pending_cause(case)
    if pending:
        return replace(
            pending,
            rule="3",
            since=None,
            warnings=(*pending.warnings, "deadline_exceeded"),
            explanation=f"{pending.explanation.rstrip('.')}, and the Job's deadline passed over that.",
        )
    limit = case.job.wants.active_deadline_seconds if case.job else None
    says = f"The Job was still active when its deadline{f' of {limit} s' if limit else ''} passed."
    found = find(Code.DEADLINE_EXCEEDED, "3", says, evidence=(evidence,), rests_on_events=not started)
    attempt = judge_attempt(case, started[-1]) if started else None
    if attempt is None:
        return found
    told = ("exit_code", "signal", "started_at", "finished_at", "message", "pod", "pod_uid", "container", "report")
    return replace(
        found, terminated_by=attempt.terminated_by or "SIGTERM", **{name: getattr(attempt, name) for name in told}
    )


def _pending_cause(case: Case) -> Finding | None:
    """What kept main from starting, as last seen before the deletion; without that memory what still shows, or an
    Event that is older than the deletion.
    """
    for sighting in reversed(case.pods):
        before = replace(sighting, pod=sighting.before) if sighting.before else sighting
        before = replace(before, pod=_as_before(before), deleted_at=None)
        found = judge_pending(case, before)
        if found and (found.code != Code.CANNOT_START or sighting.before):
            return found
    names = [sighting.pod.name for sighting in reversed(case.pods)] or names_of_the_gone(case)
    told = next((found for name in names if (found := by_pending_events(case, name))), None)
    if told or case.pods or case.job is None or not says_nothing_of_pods(case.job):
        return told
    return judge_creation(case) if case.about_job(FAILED_CREATE) else None


def _as_before(sighting: Sighting) -> Pod:
    return replace(sighting.pod, metadata=replace(sighting.pod.metadata, deletion_timestamp=None))


def _with_its_job(case: Case, condition: Condition, found: Finding) -> Verdict | NotYet:
    """A pod that was deleted may have gone with its namespace, or its Job: one look before that is believed."""
    look = case.snapshot.look
    if found.code not in {Code.POD_DELETED, Code.CAUSE_LOST} or (look is None and case.snapshot.is_dump):
        return make_verdict(found)
    if look is None:
        why = "The pod was deleted; whether its Job or namespace is being deleted too is not known yet."
        return NotYet(why=why, until=case.now, would_be=found.code, finding=found, look=("job",))
    at = condition.last_transition_time
    soon = at is None or between(at, look.at) <= WITH_ITS_NAMESPACE
    goes = look.job != "present" or look.namespace in {"terminating", "gone"}
    if look.job == "gone" or (goes and soon):
        what = "namespace" if look.namespace in {"terminating", "gone"} else "Job"
        says = f"The {what} was deleted, and the pod went with it."
        evidence = (
            *found.evidence,
            fact(what.lower(), "GET", look.namespace if what == "namespace" else look.job, look.at),
        )
        return make_verdict(find(Code.JOB_DELETED, "11", says, evidence=evidence))
    return make_verdict(found)
