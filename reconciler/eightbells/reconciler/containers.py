"""Which container is the command's, and what it and the others went through.

By name, never by index: the kubelet sorts statuses by name. `state` first, `lastState` only while it waits or runs.
"""

from collections.abc import Iterator

from eightbells.reconciler.objects import (
    Container,
    ContainerStatus,
    Pod,
    PodSpec,
    Terminated,
    Waiting,
)
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import EPOCH

MAIN = "main"
DEFAULT = "kubectl.kubernetes.io/default-container"

STATUS_UNKNOWN = "ContainerStatusUnknown"
"""The reason of an end that the kubelet made up, with 137, because it no longer knows the container."""

EMPTY = "ContainerCreating"
"""What a container without any state waits for."""


def main_name(spec: PodSpec, pod: Pod | None = None) -> str:
    """Return the name of the container that does the work: `main`, the one marked as default, or the first."""
    names = [one.name or "" for one in spec.containers or ()]
    if not names and pod:
        names = [one.name or "" for one in pod.says.container_statuses or ()]
    marked = pod.annotations.get(DEFAULT) if pod else None
    return next((name for name in (MAIN, marked) if name and name in names), names[0] if names else MAIN)


def status_of(pod: Pod, name: str) -> ContainerStatus:
    """Return what the kubelet said of a container of any kind; an empty one where it said nothing."""
    said = (*(pod.says.container_statuses or ()), *(pod.says.init_container_statuses or ()))
    return next((one for one in said if one.name == name), ContainerStatus(name=name))


def asked_for(pod: Pod, name: str) -> Container:
    """Return the container as the pod asks for it."""
    asked = (*(pod.wants.containers or ()), *(pod.wants.init_containers or ()))
    return next((one for one in asked if one.name == name), Container(name=name))


def memory_limit(pod: Pod, name: str) -> str:
    """Return a container's memory limit as it was written, or nothing."""
    resources = asked_for(pod, name).resources
    limit = (resources.limits or {}).get("memory") if resources else None
    return "" if limit is None else str(limit)


def is_made_up(status: ContainerStatus) -> bool:
    """Whether the kubelet knows nothing of a container that never ran, and says what it says of those."""
    over = status.now.terminated
    is_unknown = over is not None and over.reason == STATUS_UNKNOWN and not has_run(status.last.terminated)
    return is_unknown and "used to be Running" not in ((over.message if over else None) or "")


def others(pod: Pod, main: str) -> Iterator[ContainerStatus]:
    """The ordinary containers beside main."""
    return (one for one in pod.says.container_statuses or () if one.name != main)


def is_sidecar(pod: Pod, name: str) -> bool:
    """Whether an init container is a native sidecar."""
    return asked_for(pod, name).restart_policy == "Always"


def ended(status: ContainerStatus) -> Terminated | None:
    """Return how a container ended last, as rule 6 reads it."""
    return status.now.terminated or status.last.terminated


def waits(status: ContainerStatus) -> Waiting | None:
    """Return what a container waits for; none while it runs or has ended."""
    if status.now.running or status.now.terminated:
        return None
    return status.now.waiting or Waiting(reason=EMPTY)


def has_run(terminated: Terminated | None) -> bool:
    """Whether what ended had ever started."""
    return bool(terminated and terminated.started_at and terminated.started_at > EPOCH)


def has_started(sighting: Sighting, name: str) -> bool:
    """Whether any sight of a container, `state` or `lastState`, had a real start."""
    for pod in sighting.sights:
        status = status_of(pod, name)
        for state in (status.now, status.last):
            if state.running or has_run(state.terminated):
                return True
    return False


def was_running(sighting: Sighting, name: str) -> bool:
    """Whether a container whose end nobody saw (ContainerStatusUnknown) had been running."""
    said = [state.terminated for state in (status_of(sighting.pod, name).now, status_of(sighting.pod, name).last)]
    return has_started(sighting, name) or any(one and "used to be Running" in (one.message or "") for one in said)


def is_running(pod: Pod, name: str) -> bool:
    """Whether a container runs, as far as is known."""
    return status_of(pod, name).now.running is not None
