"""Rules 4, 5 and 7: a pod that was taken away, or refused, as its condition and its status.reason say it."""

import re

from eightbells.events.codes import Code, Fault
from eightbells.reconciler.case import Case, made_at
from eightbells.reconciler.containers import is_made_up, status_of
from eightbells.reconciler.deletions import asked_at
from eightbells.reconciler.objects import Pod
from eightbells.reconciler.parts import Condition
from eightbells.reconciler.reports import ended_by_itself
from eightbells.reconciler.rules.nodes import judge_taint
from eightbells.reconciler.rules.witness import with_witness
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import later
from eightbells.reconciler.verdict import Finding, fact, find

SLACK = 1.0
"""Seconds by which a condition's transition, in whole seconds of another clock, may come too late."""

OWN_STORAGE = re.compile(
    r"Usage of EmptyDir volume|ephemeral local storage usage exceeds|exceeded its local ephemeral storage limit"
)
REJECTED = "Pod was rejected: "

CONFIG_REJECTIONS = re.compile(
    r"AppArmor|SysctlForbidden|PodOSNotSupported|PodOSSelectorNodeLabelDoesNotMatch|PodFeatureUnsupported"
    r"|SupplementalGroupsPolicyNotSupported|PodLevelResourcesNotAdmitted\w*|NoNewPrivs\w*|ProcMount\w*|Forbidden\w*"
)
"""The node will never take such a pod."""

ADMISSION = re.compile(
    r"OutOf\w+|NodeAffinity|NodeName|NodePorts|TaintToleration|UnexpectedAdmissionError|UnknownReason|InvalidNodeInfo"
    rf"|UnexpectedPredicateFailureType|TopologyAffinityError|{CONFIG_REJECTIONS.pattern}"
)

ROW = 3
"""So many refusals in a row are no longer a matter of luck."""

BY_DISRUPTION: dict[str, tuple[Code, str]] = {
    "PreemptionByScheduler": (Code.SCHEDULER_PREEMPTED, "The scheduler took the pod away for one of higher priority"),
    "DeletionByDeviceTaintManager": (Code.DEVICE_TAINT_EVICTED, "The pod was evicted because its device is tainted"),
    "EvictionByEvictionAPI": (Code.DRAINED, "The pod was evicted through the Eviction API (drain, descheduler)"),
    "DeletionByPodGC": (Code.NODE_GONE, "The pod's node is no longer part of the cluster"),
}

BY_STATUS: dict[str, tuple[Code, str]] = {
    "Evicted": (Code.NODE_PRESSURE_EVICTED, "The kubelet evicted the pod because its node ran short"),
    "Preempting": (Code.KUBELET_PREEMPTED, "The kubelet took the pod away to make room for a critical one"),
    "NodeShutdown": (Code.NODE_SHUTDOWN, "The node refused the pod because it was shutting down"),
    "Shutdown": (Code.NODE_SHUTDOWN, "The node was shutting down"),
    "Terminated": (Code.NODE_SHUTDOWN, "The node was shutting down and ended the pod"),
    "DeadlineExceeded": (Code.DEADLINE_EXCEEDED, "The pod ran longer than its own activeDeadlineSeconds"),
    "NodeLost": (Code.NODE_LOST, "The pod's node was lost"),
}

BY_MESSAGE: tuple[tuple[str, str], ...] = (
    ("node was low on resource", "Evicted"),
    ("node had condition", "Evicted"),
    ("node shutdown", "Terminated"),
    ("critical pod", "Preempting"),
)
"""What TerminationByKubelet means, where the pod's own reason does not say."""


def disruption_target(case: Case, sighting: Sighting) -> Finding | None:
    """Rule 4: by the reason of a DisruptionTarget that is True, unless main had ended before it."""
    pod = sighting.pod
    condition = pod.holds("DisruptionTarget") or next(
        filter(None, (p.holds("DisruptionTarget") for p in sighting.sights)), None
    )
    if condition is None or _had_ended(case, sighting, condition) or OWN_STORAGE.search(pod.says.message or ""):
        return None
    reason = condition.reason or ""
    evidence = fact(
        f"pod {pod.name}", "status.conditions[DisruptionTarget].reason", reason, condition.last_transition_time
    )
    if reason == "DeletionByTaintManager":
        return _rejection(case, sighting) or with_witness(case, sighting, judge_taint(case, sighting, evidence))
    code, says = BY_DISRUPTION.get(
        reason, (Code.DISRUPTED, f"Something took the pod away ({reason or 'it said no why'})")
    )
    if reason == "TerminationByKubelet":
        if OWN_STORAGE.search(condition.message or ""):
            return None
        code, says = _by_kubelet(pod, condition)
    found = find(code, "4", says + _on(pod) + ".", evidence=(evidence,), message=pod.says.message or condition.message)
    return with_witness(case, sighting, found)


def status_reason(case: Case, sighting: Sighting) -> Finding | None:
    """Rule 5: by the pod's own status.reason."""
    pod = sighting.pod
    reason, message = pod.says.reason or "", pod.says.message or ""
    evidence = (
        fact(f"pod {pod.name}", "status.reason", reason),
        fact(f"pod {pod.name}", "status.message", message),
    )
    if reason == "Evicted" and OWN_STORAGE.search(message):
        says = f"The pod used more local storage than it asked for: {message.strip()}"
        return with_witness(case, sighting, find(Code.OWN_STORAGE_LIMIT, "5", says, evidence=evidence, message=message))
    if reason in BY_STATUS and (reason != "Terminated" or "shutdown" in message):
        code, says = BY_STATUS[reason]
        return with_witness(case, sighting, find(code, "5", f"{says}{_on(pod)}.", evidence=evidence, message=message))
    return _rejection(case, sighting)


def nothing_to_read(case: Case, sighting: Sighting) -> Finding | None:
    """Rule 7: the pod has failed, and nothing says why."""
    pod = sighting.pod
    asked = asked_at(sighting) or sighting.gone_at
    evidence = [fact(f"pod {pod.name}", "status.phase", pod.says.phase)]
    if pod.says.phase != "Failed" and asked is None:
        return None
    if asked is not None:
        evidence.append(fact(f"pod {pod.name}", "metadata.deletionTimestamp", pod.metadata.deletion_timestamp, asked))
        says = "The pod was deleted while its Job lived, and nothing else is left of it."
        return with_witness(
            case, sighting, find(Code.POD_DELETED, "7", says, evidence=tuple(evidence), rests_on_events=True)
        )
    why = f" The pod says {pod.says.reason}: {pod.says.message or ''}" if pod.says.reason else ""
    says = f"The pod failed, and none of its containers says why.{why}"
    return with_witness(case, sighting, find(Code.UNKNOWN, "7", says, evidence=tuple(evidence)))


def rejection(pod: Pod) -> str | None:
    """Return the admission reason of a pod that the kubelet refused; one that was started anew makes up statuses."""
    reason, message = pod.says.reason or "", pod.says.message or ""
    has_own_status = not all(is_made_up(status) for status in pod.says.container_statuses or ())
    if not reason or has_own_status or reason in {"Evicted", "NodeShutdown"}:
        return None
    return reason if message.startswith(REJECTED) or ADMISSION.fullmatch(reason) else None


def _rejection(case: Case, sighting: Sighting) -> Finding | None:
    pod = sighting.pod
    reason = rejection(pod)
    if reason is None:
        return None
    earlier = [one.pod for one in case.pods if made_at(one.pod) <= made_at(pod)]
    row = len(earlier) >= ROW and all(rejection(one) for one in earlier[-ROW:])
    fault: Fault = "config" if row or CONFIG_REJECTIONS.fullmatch(reason) else "infra"
    message = (pod.says.message or "").removeprefix(REJECTED)
    says = f"The kubelet refused the pod{_on(pod)} ({reason}): {message}"
    evidence = (fact(f"pod {pod.name}", "status.reason", reason), fact(f"pod {pod.name}", "status.message", message))
    found = find(Code.ADMISSION_REJECTED, "5", says, fault=fault, evidence=evidence, message=message, cause=reason)
    return with_witness(case, sighting, found)


def _by_kubelet(pod: Pod, condition: Condition) -> tuple[Code, str]:
    said = f"{pod.says.message or ''} {condition.message or ''}"
    reason = pod.says.reason if pod.says.reason in BY_STATUS else None
    reason = reason or next((name for words, name in BY_MESSAGE if words in said), None)
    return BY_STATUS[reason] if reason else (Code.DISRUPTED, "The kubelet took the pod away and does not say why")


def _had_ended(case: Case, sighting: Sighting, condition: Condition) -> bool:
    """Whether main had ended, or its pod had been deleted, before the condition came."""
    if ended_by_itself(case.report(sighting)):
        return True
    ended = status_of(sighting.pod, case.main).now.terminated
    moments = (ended.finished_at if ended else None, asked_at(sighting))
    at = condition.last_transition_time
    return any(moment < later(at, -SLACK) for moment in moments if moment and at)


def _on(pod: Pod) -> str:
    return f", on {pod.wants.node_name}" if pod.wants.node_name else ""
