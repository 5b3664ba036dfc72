"""What it was not, with the sign that says so: the causes that somebody who reads the verdict would ask about next."""

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case
from eightbells.reconciler.containers import status_of
from eightbells.reconciler.objects import Pod, Terminated
from eightbells.reconciler.times import between, duration, later
from eightbells.reconciler.verdict import Finding

NODE = frozenset(
    {
        Code.NODE_LOST,
        Code.NODE_GONE,
        Code.NODE_SHUTDOWN,
        Code.NODE_PRESSURE_EVICTED,
        Code.DRAINED,
        Code.DISRUPTED,
        Code.SCHEDULER_PREEMPTED,
        Code.KUBELET_PREEMPTED,
        Code.DEVICE_TAINT_EVICTED,
        Code.ADMISSION_REJECTED,
    }
)
DELETION = frozenset({Code.POD_DELETED, Code.JOB_DELETED, Code.CANCELLED, Code.JOB_MISSING})


def rule_out(case: Case, finding: Finding) -> tuple[str, ...]:
    """Return the causes that are excluded; nothing for a success, and never the one that it was."""
    if finding.fault == "none" or not case.pods:
        return ()
    pod = next((one.pod for one in case.pods if one.pod.uid == finding.pod_uid), case.pods[-1].pod)
    known = (_node(finding, pod), _deletion(finding, pod), _memory(case, finding, pod), _deadline(case, finding))
    return tuple(one for one in known if one)


def _node(finding: Finding, pod: Pod) -> str | None:
    if finding.code in NODE or pod.holds("DisruptionTarget") or pod.says.reason or not pod.wants.node_name:
        return None
    return "the node: no DisruptionTarget, no Evicted"


def _deletion(finding: Finding, pod: Pod) -> str | None:
    if finding.code in NODE | DELETION or pod.metadata.deletion_timestamp:
        return None
    return "a deletion: the pod has no deletionTimestamp"


def _memory(case: Case, finding: Finding, pod: Pod) -> str | None:
    over = status_of(pod, finding.container or case.main).now.terminated or Terminated()
    if Code.OOM_KILLED in {finding.code, finding.cause} or over.exit_code in {None, 137} or over.reason != "Error":
        return None  # beside 137 the reason OOMKilled can be missing
    return "memory: the container's reason is Error, not OOMKilled"


def _deadline(case: Case, finding: Finding) -> str | None:
    limit = case.job.wants.active_deadline_seconds if case.job else None
    start = case.job.says.start_time if case.job else None
    is_it = finding.code == Code.DEADLINE_EXCEEDED or "deadline_exceeded" in finding.warnings
    if limit is None or start is None or is_it:
        return None
    at = case.failure.last_transition_time if case.failure else None
    left = between(at or case.now, later(start, limit))
    return f"the deadline: {duration(left)} were left" if left > 0 else None
