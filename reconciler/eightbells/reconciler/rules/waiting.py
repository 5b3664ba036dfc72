"""Rule 8: one container that waits, by its reason. In one table; a reason that is not in it waits, and is then infra.

ErrImagePull and ImagePullBackOff alternate: they are one state, told by the most telling message that was seen.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from eightbells.events.codes import Code
from eightbells.events.schema import Evidence
from eightbells.reconciler.case import Case
from eightbells.reconciler.containers import EMPTY, asked_for, status_of
from eightbells.reconciler.events import Event, is_later, newest
from eightbells.reconciler.messages import VAGUE, Meaning, read_create_error, read_pull_error, read_volume_error
from eightbells.reconciler.objects import ContainerStatus, Waiting
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.verdict import Finding, fact, find
from msgspec import Struct
from msgspec.structs import replace

PULL_IS_ON = "a pull is going on"

SANDBOX = ("FailedCreatePodSandBox", "FailedMount", "FailedAttachVolume", "FailedMapVolume")


class Wait(Struct, frozen=True, kw_only=True):
    """A container that waits, and since when."""

    case: Case
    sighting: Sighting
    status: ContainerStatus
    waiting: Waiting
    since: datetime

    @property
    def name(self) -> str:
        """The container's name."""
        return self.status.name or "?"

    @property
    def reason(self) -> str:
        """What it waits for."""
        return self.waiting.reason or EMPTY

    @property
    def message(self) -> str:
        """What is said of that."""
        return self.waiting.message or ""

    @property
    def image(self) -> str:
        """The image that it asks for."""
        return asked_for(self.sighting.pod, self.name).image or self.status.image or "?"

    def find(self, meaning: Meaning, explanation: str, evidence: tuple[Evidence, ...] = ()) -> Finding:
        """Return the finding that this container waits for that."""
        return find(
            meaning.code,
            "8",
            explanation,
            fault=meaning.fault,
            cause=meaning.cause,
            message=self.message or None,
            evidence=evidence or self.evidence(),
            since=self.since,
            pod=self.sighting.pod.name,
            pod_uid=self.sighting.pod.uid,
            container=self.name,
        )

    def evidence(self) -> tuple[Evidence, ...]:
        """Return what the container's status says."""
        pod = self.sighting.pod
        kind = "containerStatuses" if _is_ordinary(self) else "initContainerStatuses"
        path = f"status.{kind}[{self.name}].state.waiting"
        reason = fact(f"pod {pod.name}", f"{path}.reason", self.reason, self.since)
        return (reason, fact(f"pod {pod.name}", f"{path}.message", self.message)) if self.message else (reason,)


def judge_wait(wait: Wait) -> Finding | None:
    """Return what a waiting container means; None where it is only on its way."""
    return REASONS.get(wait.reason, anything_else)(wait)


def image_name(wait: Wait) -> Finding:
    """InvalidImageName."""
    says = f'"{wait.image}", the image of "{wait.name}", is not the name of an image.'
    return wait.find(Meaning(Code.IMAGE_INVALID, "InvalidImageName"), says)


def never_pull(wait: Wait) -> Finding:
    """ErrImageNeverPull."""
    says = f'The image of "{wait.name}", {wait.image}, is not on the node, and the pod says never to pull it.'
    return wait.find(Meaning(Code.IMAGE_NEVER_PULL, "ErrImageNeverPull"), says)


def signature(wait: Wait) -> Finding:
    """SignatureValidationFailed."""
    says = f'The image of "{wait.name}", {wait.image}, has no signature that the node accepts: {wait.message}'
    return wait.find(Meaning(Code.IMAGE_UNAUTHORIZED, "SignatureValidationFailed"), says)


def registry(wait: Wait) -> Finding:
    """RegistryUnavailable, ImageInspectError."""
    says = f'The image of "{wait.name}", {wait.image}, cannot be pulled now: {wait.message or wait.reason}'
    return wait.find(Meaning(Code.IMAGE_REGISTRY_UNAVAILABLE, wait.reason), says)


def pull(wait: Wait) -> Finding:
    """ErrImagePull, ImagePullBackOff: by the most telling message."""
    messages = list(_pull_messages(wait))
    told = next((one for one in messages if read_pull_error(one).cause != VAGUE), messages[0])
    meaning = read_pull_error(told)
    says = f'The image of "{wait.name}", {wait.image}, {_PULLS[meaning.code]} ({meaning.cause}).'
    evidence = wait.evidence()
    if told != wait.message:
        evidence = (*evidence, fact(f"pod {wait.sighting.pod.name}", "seen earlier", told))
    return replace(wait.find(meaning, says, evidence), rests_on_events=meaning.cause == VAGUE)


def create(wait: Wait) -> Finding:
    """CreateContainerConfigError, CreateContainerError."""
    meaning = read_create_error(wait.reason, wait.message)
    says = f'"{wait.name}" cannot be created: {wait.message or wait.reason}'
    return wait.find(meaning, says)


def start(wait: Wait) -> Finding:
    """RunContainerError, hooks: the container is there, and does not come to run."""
    says = f'"{wait.name}" was created and cannot be started: {wait.message or wait.reason}'
    return wait.find(Meaning(Code.START_ERROR, wait.reason), says)


def sandbox(wait: Wait) -> Finding:
    """CreatePodSandboxError."""
    meaning = read_volume_error(wait.message)
    return wait.find(meaning, f"The pod's sandbox does not become ready: {wait.message or wait.reason}")


def creating(wait: Wait) -> Finding | None:
    """ContainerCreating says nothing by itself: the Events of the pod do."""
    pod = wait.sighting.pod
    events = wait.case.about_pod(pod)
    pulling, trouble = newest(events, "Pulling"), newest(events, *SANDBOX)
    if trouble and is_later(trouble, pulling):
        meaning = read_volume_error(trouble.said)
        evidence = (*wait.evidence(), fact(f"pod {pod.name}", f"event {trouble.reason}", trouble.said, trouble.at))
        return wait.find(meaning, f"The pod's sandbox or a volume does not become ready: {trouble.said}", evidence)
    if is_pulling(events):
        return None
    says = f'"{wait.name}" waits ({wait.reason}), and no Event says for what.'
    return replace(wait.find(Meaning(Code.CANNOT_START, wait.reason), says), rests_on_events=True)


def anything_else(wait: Wait) -> Finding:
    """A reason of a newer Kubernetes."""
    says = f'"{wait.name}" waits for a reason that has no name here ({wait.reason}): {wait.message}'
    return wait.find(Meaning(Code.CANNOT_START, wait.reason), says)


def is_pulling(events: tuple[Event, ...]) -> bool:
    """Whether a pull has begun, and nothing has been said since: slow, or a registry that never answers."""
    pulling = newest(events, "Pulling")
    later = [event for event in events if event.reason in {"Pulled", "Failed", "BackOff"} and is_later(event, pulling)]
    return pulling is not None and not later


REASONS: dict[str, Callable[[Wait], Finding | None]] = {
    "InvalidImageName": image_name,
    "ErrImageNeverPull": never_pull,
    "SignatureValidationFailed": signature,
    "RegistryUnavailable": registry,
    "ImageInspectError": registry,
    "ErrImagePull": pull,
    "ImagePullBackOff": pull,
    "CreateContainerConfigError": create,
    "CreateContainerError": create,
    "RunContainerError": start,
    "PreCreateHookError": start,
    "PreStartHookError": start,
    "PostStartHookError": start,
    "CreatePodSandboxError": sandbox,
    "ContainerCreating": creating,
    "PodInitializing": creating,
}

_PULLS = {
    Code.IMAGE_NOT_FOUND: "is not in its registry",
    Code.IMAGE_UNAUTHORIZED: "is not given out by its registry",
    Code.IMAGE_REGISTRY_UNAVAILABLE: "cannot be pulled while its registry is not to be reached",
    Code.IMAGE_PULL_FAILED: "cannot be pulled",
}


def _pull_messages(wait: Wait) -> Iterator[str]:
    """The messages of this pull that were seen, the present one first."""
    yield wait.message
    for pod in wait.sighting.sights[1:]:
        waiting = status_of(pod, wait.name).now.waiting
        yield (waiting.message if waiting else None) or ""
    failed = newest((event for event in wait.case.about_pod(wait.sighting.pod) if "pull image" in event.said), "Failed")
    yield failed.said if failed else ""


def _is_ordinary(wait: Wait) -> bool:
    return any(one.name == wait.name for one in wait.sighting.pod.wants.containers or ()) or not any(
        one.name == wait.name for one in wait.sighting.pod.wants.init_containers or ()
    )
