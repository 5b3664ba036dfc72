"""What takes a command away while it works."""

from typing import Any

from kubernetes import client

from tests.cluster.images import BUSYBOX
from tests.cluster.node import SPARE, Node
from tests.drills.case import Case
from tests.drills.drill import Drill, Ending, Group
from tests.e2e.test_attempts import COMMANDS

SCRIPTS = {how.replace(" ", "-"): (script, output) for how, (script, _, _, _, output) in COMMANDS.items()}
WORKS = SCRIPTS["at-once"][0]


def delete_pod(case: Case) -> None:
    """Gently."""
    case.site.cluster.core.delete_namespaced_pod(newest(case), case.site.namespace)


def force_pod(case: Case) -> None:
    """With no grace at all: the object is gone at once."""
    case.site.cluster.core.delete_namespaced_pod(newest(case), case.site.namespace, grace_period_seconds=0)


def evict(case: Case) -> None:
    """By the Eviction API, as a drain does."""
    metadata = client.V1ObjectMeta(name=newest(case), namespace=case.site.namespace)
    body = client.V1Eviction(metadata=metadata)
    case.site.cluster.core.create_namespaced_pod_eviction(newest(case), case.site.namespace, body)


def cancel(case: Case) -> None:
    case.site.dispatcher.cancel(case.dispatch)


def suspend_and_resume(case: Case) -> None:
    """Suspend its Job, resume it, and delete the pod of its second run."""
    first = newest(case)
    change(case, is_suspended=True)
    case.wait_until(lambda: first not in living(case), "the first run is over")
    assert not case.site.endings(case.dispatch), "a suspended dispatch has ended"
    change(case, is_suspended=False)
    case.wait_until(lambda: set(living(case)) - {first}, "there is a second run")
    case.wait_until_working()
    delete_pod(case)


def change(case: Case, *, is_suspended: bool) -> None:
    body = {"spec": {"suspend": is_suspended}}
    case.site.cluster.batch.patch_namespaced_job(case.job, case.site.namespace, body)


def delete_namespace(case: Case) -> None:
    case.site.cluster.core.delete_namespace(case.site.namespace)


def delete_job(mode: str) -> Any:
    """Who deletes the Job in a mode."""

    def act(case: Case) -> None:
        case.site.cluster.batch.delete_namespaced_job(case.job, case.site.namespace, propagation_policy=mode)

    return act


def newest(case: Case) -> str:
    return str(case.site.pods(case.dispatch)[-1].metadata.name)


def living(case: Case) -> list[str]:
    return [pod.metadata.name for pod in case.site.pods(case.dispatch) if pod.status.phase in ("Pending", "Running")]


def stop_kubelet(case: Case) -> None:
    """The node is lost to the cluster, and its containers run on."""
    node_of(case).stop()


def cut_power(case: Case) -> None:
    """Of its node: nothing runs any more."""
    node_of(case).cut_power()


def delete_node(case: Case) -> None:
    """Its machine is gone, and somebody says so."""
    node_of(case).cut_power()
    case.site.cluster.core.delete_node(node_of(case).name)


def taint(case: Case) -> None:
    """An admin wants its node empty."""
    node: Any = case.site.cluster.core.read_node(node_of(case).name)
    taints = [*(node.spec.taints or []), {"key": "eightbells.test/empty", "effect": "NoExecute"}]
    case.site.cluster.core.patch_node(node_of(case).name, {"spec": {"taints": taints}})


def preempt(case: Case) -> None:
    """Let a pod that is more important want the same processors."""
    scheduling = client.SchedulingV1Api(case.site.cluster.api)
    name = f"drill-{case.site.namespace}"
    important: Any = {"metadata": {"name": name}, "value": 1000}
    scheduling.create_priority_class(important)
    container = {"name": "main", "image": BUSYBOX, "command": ["true"], "resources": LARGE}
    spec = {
        "restartPolicy": "Never",
        "priorityClassName": name,
        "nodeSelector": {"kubernetes.io/hostname": node_of(case).name},
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
    }
    try:
        pod: Any = {"metadata": {"name": name}, "spec": spec}
        case.site.cluster.core.create_namespaced_pod(case.site.namespace, pod)
    finally:
        scheduling.delete_priority_class(name)


def node_of(case: Case) -> Node:
    assert case.node
    return case.node


LARGE = {"requests": {"cpu": "1500m"}}
"""More than half of the two processors that a node here has."""

SPARE_TOLERATED = [{"key": SPARE, "operator": "Exists"}]
SOON = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
PATIENT = [
    *SPARE_TOLERATED,
    {"key": "node.kubernetes.io/not-ready", **SOON},
    {"key": "node.kubernetes.io/unreachable", **SOON},
]
"""Five seconds instead of the usual three hundred."""


def on_a_node(name: str, done: str, act: Any, code: str, **more: Any) -> Drill:
    """On a node of its own, which is done harm to."""
    return Drill(
        name=name,
        done=done,
        script=WORKS,
        act=act,
        pod={"tolerations": PATIENT},
        ours=Ending(code, charged=False, **more),
        needs_node=True,
        is_slow=True,
    )


def each_way(name: str, done: str, act: Any, code: str) -> tuple[Drill, ...]:
    """With a command that takes a TERM in each way."""
    return tuple(
        Drill(
            name=f"{name}-{how}",
            done=f"{done}; the command {TAKES[how]}",
            script=script,
            act=act,
            ours=Ending("exited_zero", output=output) if how == WELL else Ending(code, charged=False, output=output),
            plain=Ending("completed_without_report") if how == WELL else Ending(code, charged=False),
        )
        for how, (script, output) in SCRIPTS.items()
    )


WELL = "with-0"
"""To Kubernetes its Job is complete, whoever made it end."""

TAKES = {
    "at-once": "dies at once",
    "in-its-time": "saves and exits with 3",
    WELL: "saves and exits with 0, which completes the Job",
    "deaf": "is deaf to TERM",
}

TAKEN = Group(
    "Taken away",
    (
        *each_way("pod-deleted", "its pod is deleted", delete_pod, "pod_deleted"),
        *each_way("evicted", "its pod is evicted, as by a drain", evict, "drained"),
        Drill(
            name="pod-forced",
            done="its pod is deleted by force",
            script=WORKS,
            act=force_pod,
            ours=Ending("pod_deleted", charged=False),
        ),
        Drill(
            name="suspended",
            done="its Job is suspended (no ending) and resumed, then its pod is deleted",
            script=WORKS,
            act=suspend_and_resume,
            ours=Ending("pod_deleted", charged=False, attempts=2),
            plain=Ending("pod_deleted", charged=False),
        ),
        *(
            Drill(
                name=f"job-deleted-{mode.lower()}",
                done=f"its Job is deleted, mode {mode}",
                script=WORKS,
                act=delete_job(mode),
                ours=Ending("job_deleted", charged=False, may_still_run=True if mode == "Orphan" else None),
                # Its verdict waits half a minute for a last word, and may have lost the pod from view by then.
                is_slow=mode == "Orphan",
            )
            for mode in ("Background", "Foreground", "Orphan")
        ),
        Drill(
            name="namespace-deleted",
            done="its namespace is deleted",
            script=WORKS,
            act=delete_namespace,
            labels={"eightbells.test/drill": "namespace"},
            ours=Ending("job_deleted", charged=False),
        ),
        on_a_node(
            "node-silent",
            "its node's kubelet dies, the container runs on",
            stop_kubelet,
            "node_lost",
            may_still_run=True,
        ),
        on_a_node("node-dead", "its node loses power", cut_power, "node_lost", may_still_run=True),
        on_a_node("node-deleted", "its node loses power, and its Node is deleted", delete_node, "node_gone"),
        on_a_node("node-tainted", "its node gets a NoExecute taint", taint, "drained"),
        Drill(
            name="preempted",
            done="a more important pod takes its place on its node",
            script=WORKS,
            act=preempt,
            fields={"resources": {"cpu": "1500m"}},
            pod={"tolerations": SPARE_TOLERATED},
            labels={"eightbells.test/drill": "preempted"},
            ours=Ending("scheduler_preempted", charged=False),
            needs_node=True,
            is_slow=True,
        ),
        Drill(
            name="cancelled",
            done="it is cancelled",
            script=WORKS,
            act=cancel,
            ours=Ending("cancelled", charged=False),
            plain=None,
        ),
    ),
)
