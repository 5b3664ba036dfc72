"""What `explain` says of one Job, as one value: the JSON object, from which the text is written too."""

from datetime import datetime
from typing import Any, Literal

from eightbells.events.codes import Code, Fault, Retryable
from eightbells.events.schema import Data, Evidence
from eightbells.reconciler.attempts import list_attempts
from eightbells.reconciler.case import Case
from eightbells.reconciler.classify import classify
from eightbells.reconciler.containers import is_running
from eightbells.reconciler.explain.grouping import Subject
from eightbells.reconciler.explain.timeline import Step, build_timeline
from eightbells.reconciler.graces import Graces
from eightbells.reconciler.marks import dispatch_of
from eightbells.reconciler.remedies import with_remedy
from eightbells.reconciler.ruled_out import rule_out
from eightbells.reconciler.rules.attempt import judge_attempt
from eightbells.reconciler.rules.pending import judge_pending
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import timestamp
from eightbells.reconciler.verdict import Finding, NotYet, Verdict
from msgspec import Struct
from msgspec.structs import replace

Decision = Literal["ended", "not_yet", "attempt", "nothing_to_say"]


class Account(Struct, frozen=True, kw_only=True):
    """A Job, or the attempt that a pod without its Job is. What is not known is null."""

    namespace: str
    job: str | None
    uid: str | None
    dispatch: str | None = None
    decision: Decision
    state: str | None = None
    code: str | None = None
    fault: Fault | None = None
    retryable: Retryable | None = None
    charged: bool | None = None
    cause: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    message: str | None = None
    explanation: str | None = None
    remedy: str | None = None
    recheck_at: str | None = None
    would_be: str | None = None
    missing: tuple[str, ...] = ()
    may_still_start: bool | None = None
    may_still_run: bool | None = None
    warnings: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    ruled_out: tuple[str, ...] = ()
    timeline: tuple[Step, ...] = ()


class Told(Struct, frozen=True, kw_only=True):
    """An account, and what the text says beyond it: pod, container and node for the next command, whether a cluster was
    read, whether the message is what a container ended with, which of the container's logs has
    a try that others may follow, and the output.
    """

    account: Account
    pod: str | None = None
    container: str | None = None
    node: str | None = None
    is_live: bool = False
    is_of_an_end: bool = False
    log_of_a_try: Literal["present", "previous"] | None = None
    report: Data | None = None


def explain(subject: Subject, now: datetime, graces: Graces | None = None) -> Told:
    """Return what is to be said of a subject at a moment."""
    case = Case(subject.snapshot, now, graces or Graces())
    if subject.snapshot.job is None:
        return _attempt(subject, case)
    said = classify(subject.snapshot, now, graces)
    if isinstance(said, Verdict) and said.code == Code.CAUSE_LOST and "pods" in subject.missing:
        return _failed_elsewhere(subject, case, said)
    if isinstance(said, Verdict):
        more = {"decision": "ended", "state": said.state, "may_still_start": said.may_still_start}
        return _tell(subject, case, said, **more, ruled_out=said.ruled_out)
    return _wait(subject, case, said)


def _failed_elsewhere(subject: Subject, case: Case, said: Verdict) -> Told:
    """A file without any pod does not say that none is left."""
    reason = case.failure.reason if case.failure else None
    why = f"The Job failed ({reason or 'it says no why'}), and the file has no pod or Event that says what of."
    unknown: dict[str, Any] = dict.fromkeys(("code", "fault", "retryable", "charged", "remedy"))
    return _tell(subject, case, said, **unknown | {"decision": "ended", "state": "failed", "explanation": why})


def _wait(subject: Subject, case: Case, said: NotYet) -> Told:
    more: dict[str, Any] = {
        "decision": "not_yet",
        "state": _state(case),
        "explanation": said.why,
        "recheck_at": timestamp(said.until),
        "would_be": said.would_be,
        "warnings": said.warnings,
    }
    if said.finding is None:
        return _go_on(subject, case, said, more)
    found, open_fields = said.finding, ("code", "fault", "retryable", "charged")
    return _tell(subject, case, found, **dict.fromkeys(open_fields), **more, ruled_out=rule_out(case, found))


def _go_on(subject: Subject, case: Case, said: NotYet, more: dict[str, Any]) -> Told:
    """Nothing keeps it: then what is worth telling is how the last try ended, where there was one."""
    ended = list_attempts(subject.snapshot, case.now)
    if not ended or ended[-1].finding.fault == "none":
        return _tell(subject, case, None, **more)
    found = with_remedy(case, ended[-1].finding)
    more |= {"explanation": f"{said.why} The last try ended: {found.explanation}", "remedy": found.remedy}
    told = _tell(subject, case, None, **more, evidence=found.evidence, ruled_out=rule_out(case, found))
    name, again = (
        found.container or case.main,
        any(one.pod.uid == found.pod_uid and _runs(case, one) for one in case.pods),
    )
    log: Literal["present", "previous"] = "previous" if again else "present"
    return replace(told, pod=found.pod, container=name, log_of_a_try=log, report=found.report)


def _attempt(subject: Subject, case: Case) -> Told:
    """Without its Job a pod is an attempt, which may be followed by another one."""
    for sighting in reversed(case.pods):
        found = judge_attempt(case, sighting)
        state = "attempt_ended" if found else _state(case)
        if found := found or judge_pending(case, sighting):
            found = with_remedy(case, found)
            return _tell(subject, case, found, decision="attempt", state=state, ruled_out=rule_out(case, found))
    why = "Nothing here says that anything has ended." if case.pods else "There is no Job and no pod of it."
    return _tell(subject, case, None, decision="nothing_to_say", state=_state(case), explanation=why)


def _state(case: Case) -> str | None:
    if case.is_suspended:
        return "suspended"
    if any(_runs(case, one) for one in case.pods):
        return "running"
    return "pending" if case.pods or case.job else None


def _runs(case: Case, sighting: Sighting) -> bool:
    return is_running(sighting.pod, case.main)


SAME = (
    "code",
    "fault",
    "retryable",
    "charged",
    "cause",
    "exit_code",
    "signal",
    "message",
    "explanation",
    "remedy",
    "may_still_run",
    "warnings",
    "evidence",
)
"""The fields that an account has in common with a finding."""


def _tell(subject: Subject, case: Case, found: Finding | None, **more: Any) -> Told:
    known = {name: getattr(found, name) for name in SAME} if found else {}
    newest = case.pods[-1].pod if case.pods else None
    pod = next((one.pod for one in case.pods if found and one.pod.uid == found.pod_uid), newest)
    account = Account(
        namespace=subject.namespace,
        job=subject.job,
        uid=subject.uid,
        dispatch=dispatch_of(case.job) or dispatch_of(newest),
        missing=subject.missing,
        timeline=build_timeline(case),
        **known | more,
    )
    return Told(
        account=account,
        pod=pod.name if pod else None,
        container=(found.container if found else None) or case.main,
        node=pod.wants.node_name if pod else None,
        is_live=subject.is_live,
        is_of_an_end=found is not None and found.rule.startswith("6"),
        report=found.report if found else None,
    )
