"""Rule 3 with no pod left: what the Job's condition kept of it, and what Events say that were about it."""

from typing import Any

from eightbells.events.codes import Code
from eightbells.events.schema import Evidence
from eightbells.reconciler.case import Case
from eightbells.reconciler.deletions import is_deletion_by
from eightbells.reconciler.events import Event, newest
from eightbells.reconciler.messages import PolicyMatch
from eightbells.reconciler.rules.disruption import ADMISSION
from eightbells.reconciler.rules.terminated import LAST_SIGNAL, SIGKILL, signal_name
from eightbells.reconciler.verdict import Finding, fact, find

UNSEEN = "main_unseen"
"""A main that ended by itself before these Events cannot be seen any more."""


def by_traces(case: Case, name: str) -> Finding | None:
    """Return why a pod that is gone ended, by its Events; None where none says."""
    events = tuple(event for event in case.events if event.is_about("Pod", name))
    traces = (refused(name, events), tainted(name, events), taken(name, events), deleted(case, name, events))
    return next((found for found in traces if found), None)


def refused(name: str, events: tuple[Event, ...]) -> Finding | None:
    """The kubelet's Event has the admission reason as its own."""
    event = next((event for event in events if ADMISSION.fullmatch(event.reason or "")), None)
    return _found(Code.ADMISSION_REJECTED, "The kubelet refused the pod", name, event, fault="infra")


def tainted(name: str, events: tuple[Event, ...]) -> Finding | None:
    """A cancelled eviction has the same reason, and another message."""
    event = newest((one for one in events if one.said.startswith("Marking for deletion")), "TaintManagerEviction")
    unready = newest(events, "NodeNotReady")
    if event and unready and not (unready.since and event.at and unready.since > event.at):
        return _found(Code.NODE_LOST, "The pod's node was not ready for too long", name, event, may_still_run=True)
    return _found(Code.DRAINED, "Somebody tainted the pod's node", name, event)


TAKEN: tuple[tuple[str, Code, str], ...] = (
    ("Preempted", Code.SCHEDULER_PREEMPTED, "The scheduler took the pod away for one of higher priority"),
    ("DeviceTaintManagerEviction", Code.DEVICE_TAINT_EVICTED, "The pod was evicted because its device is tainted"),
    ("Evicted", Code.NODE_PRESSURE_EVICTED, "The kubelet evicted the pod because its node ran short"),
    ("Preempting", Code.KUBELET_PREEMPTED, "The kubelet took the pod away for a critical one"),
)


def taken(name: str, events: tuple[Event, ...]) -> Finding | None:
    """By the reason of the Event alone."""
    told = [one for one in events if not one.said.startswith("Cancelling")]
    found = (_found(code, says, name, newest(told, reason)) for reason, code, says in TAKEN)
    return next((one for one in found if one), None)


def deleted(case: Case, name: str, events: tuple[Event, ...]) -> Finding | None:
    """Killed, and not by the Job."""
    if case.job and any(is_deletion_by(case.job, one) and one.said.endswith(f" {name}") for one in case.events):
        return None
    return _found(Code.POD_DELETED, "Somebody deleted the pod", name, newest(events, "Killing"))


def by_policy(case: Case, match: PolicyMatch) -> Finding:
    """Return what the Job's condition kept of a pod that is gone."""
    evidence = (_condition(case, match),)
    if match.exit_code is None:
        says = f"The pod {match.pod} was taken away ({match.condition}), and nothing is left that says by whom."
        return find(Code.DISRUPTED, "3", says, evidence=evidence, pod=match.pod, rests_on_events=True)
    name, code = match.container or "?", match.exit_code
    says = f'"{name}" in {match.pod} ended with {code}; the pod is gone, and its Job kept that.'
    own: dict[str, Any] = {"evidence": evidence, "pod": match.pod, "container": name, "exit_code": code}
    signal = signal_name(code - 128) if 128 < code <= LAST_SIGNAL else None
    if code == SIGKILL:
        found = find(Code.KILLED_137, "3", says, signal=signal, warnings=("oom_not_excluded",), **own)
    else:
        found = find(Code.SIGNALLED if signal else Code.EXIT_NONZERO, "3", says, signal=signal, **own)
    return _of_another(case, name, found, own)


def _of_another(case: Case, name: str, found: Finding, own: dict[str, Any]) -> Finding:
    """Return the finding as that of an init container or sidecar, where it is not main's."""
    if name in {one.name for one in case.spec.init_containers or ()}:
        return find(Code.INIT_FAILED, "3", found.explanation, fault=found.fault, cause=str(found.code), **own)
    if name != case.main:
        return find(Code.SIDECAR_FAILED, "3", found.explanation, cause=str(found.code), **own)
    return found


def _condition(case: Case, match: PolicyMatch) -> Evidence:
    failure = case.failure
    job = case.job.name if case.job else "?"
    said, at = (failure.message, failure.last_transition_time) if failure else (None, None)
    return fact(f"job {job}", "status.conditions[FailureTarget].message", said or match.pod, at)


def _found(code: Code, says: str, name: str, event: Event | None, **more: Any) -> Finding | None:
    if event is None:
        return None
    evidence = (fact(f"pod {name}", f"event {event.reason}", event.said, event.at),)
    explanation = f"{says}; the pod is gone, and its Event says: {event.said}"
    return find(code, "3", explanation, evidence=evidence, pod=name, warnings=(UNSEEN,), **more)
