"""Pods of one container with busybox, for tests to which it does not matter what runs."""

from typing import Any

from kubernetes import client

from tests.cluster.access import Access
from tests.cluster.images import BUSYBOX
from tests.waiting import wait_until

SECONDS = 120
NAME = "pod"


def start_pod(cluster: Access, namespace: str, script: str, name: str = NAME, **spec: Any) -> None:
    """Create a pod that runs a script once; `spec` is more of its specification, `resources` those of its container."""
    container = {
        "name": "main",
        "image": BUSYBOX,
        "command": ["sh", "-c", script],
        "resources": spec.pop("resources", {}),
    }
    whole = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container], **spec}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": whole}
    cluster.create(pod, namespace)


def wait_for_pod(cluster: Access, namespace: str, *phases: str, name: str = NAME) -> client.V1Pod:
    """The pod, once it is in one of these phases."""

    def look() -> client.V1Pod | None:
        pod = cluster.core.read_namespaced_pod(name, namespace)
        return pod if pod.status and pod.status.phase in phases else None

    found = wait_until(look, f"pod {name} is {' or '.join(phases)}", within=SECONDS, pause=0.1)
    assert found
    return found


def finish_pod(cluster: Access, namespace: str, script: str, **spec: Any) -> client.V1ContainerStateTerminated:
    """Run a script to its end, and say how it ended."""
    start_pod(cluster, namespace, script, **spec)
    return read_end(wait_for_pod(cluster, namespace, "Succeeded", "Failed"))


def read_end(pod: client.V1Pod) -> client.V1ContainerStateTerminated:
    statuses = pod.status.container_statuses if pod.status else None
    assert statuses
    assert statuses[0].state
    ended = statuses[0].state.terminated
    assert ended, pod.status
    return ended


def read_output(cluster: Access, namespace: str, name: str = NAME) -> str:
    return str(cluster.core.read_namespaced_pod_log(name, namespace))
