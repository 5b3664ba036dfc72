"""Rule 4's hardest question: a taint took the pod away, because its node was lost, or because somebody drained it?"""

from eightbells.events.codes import Code
from eightbells.events.schema import Evidence
from eightbells.reconciler.case import Case
from eightbells.reconciler.events import newest
from eightbells.reconciler.objects import Node, Pod
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import between
from eightbells.reconciler.verdict import Finding, fact, find
from msgspec.structs import replace

UNREADY = frozenset({"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"})

SOON = 2.0
"""Seconds within which a kubelet that lives says that it kills."""


def judge_taint(case: Case, sighting: Sighting, evidence: Evidence) -> Finding:
    """Return node_lost on a node that is not ready, drained on a ready one."""
    pod = sighting.pod
    sign = node_is_unready(case, pod)
    if sign is None and node_is_ready(case, pod):
        return _drained(pod, evidence)
    if sign is None and not _would_have_waited(case, pod):
        return replace(_drained(pod, evidence), rests_on_node=True)
    node = f" ({pod.wants.node_name})" if pod.wants.node_name else ""
    says = f"The pod's node{node} was not ready for longer than the pod bears it, so the pod was given up."
    facts = (evidence, sign) if sign else (evidence,)
    found = find(Code.NODE_LOST, "4", says, evidence=facts, may_still_run=True, rests_on_events=True)
    return replace(found, rests_on_node=sign is None)


def node_is_unready(case: Case, pod: Pod) -> Evidence | None:
    """Return the sign that the pod's node is not ready: by the pod's conditions, an Event, or the Node itself."""
    ready, containers = pod.condition("Ready"), pod.holds("ContainersReady")
    if ready and ready.status == "False" and not ready.reason and containers:
        return fact(
            f"pod {pod.name}", "status.conditions[Ready]", "False, without a reason", ready.last_transition_time
        )
    if event := newest(case.about_pod(pod, "NodeNotReady")):
        return fact(f"pod {pod.name}", "event NodeNotReady", event.said, event.at)
    node = _node(case, pod)
    return fact(f"node {node.name}", "status.conditions[Ready]", "not True") if node and not node.is_ready else None


def node_is_ready(case: Case, pod: Pod) -> bool:
    """Whether the Node itself says that it is."""
    node = _node(case, pod)
    return node is not None and node.is_ready


def _node(case: Case, pod: Pod) -> Node | None:
    return next((node for node in case.snapshot.nodes or () if node.name == pod.wants.node_name), None)


def _would_have_waited(case: Case, pod: Pod) -> bool:
    """Whether the pod bears an unready node for a while, and no living kubelet killed it at once."""
    bears = any(
        one.key in UNREADY and one.effect == "NoExecute" and (one.toleration_seconds or 0) > 0
        for one in pod.wants.tolerations or ()
    )
    killing, condition = newest(case.about_pod(pod, "Killing")), pod.condition("DisruptionTarget")
    since = condition.last_transition_time if condition else None
    is_prompt = bool(killing and killing.at and (since is None or abs(between(since, killing.at)) <= SOON))
    return bears and not is_prompt


def _drained(pod: Pod, evidence: Evidence) -> Finding:
    node = pod.wants.node_name or "a node that is ready"
    says = f"Somebody tainted {node} so that the pod may not stay there."
    return find(Code.DRAINED, "4", says, evidence=(evidence,), rests_on_events=True)
