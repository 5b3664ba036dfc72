"""What to do about each code, in one line a person can act on. What nobody can act on has none."""

from typing import TypeVar

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case
from eightbells.reconciler.containers import asked_for, memory_limit
from eightbells.reconciler.messages import LIMIT_TOO_LOW, NO_SCHEDULER, RUNS_AS_ROOT
from eightbells.reconciler.objects import Pod
from eightbells.reconciler.verdict import Finding
from msgspec.structs import replace

SAID: dict[Code, str] = {
    Code.EXIT_NONZERO: "read what the command wrote before it left",
    Code.SIGNALLED: "find out who sends the signal, or what makes the command crash",
    Code.KILLED_137: "look at the node's kernel log for an OOM kill; run it once more",
    Code.PROBE_FAILED: "give the probe more time or drop it: a Job's command rarely needs one",
    Code.DEADLINE_EXCEEDED: "raise the deadline, or find out what it waited for",
    Code.OOM_KILLED: "raise resources.limits.memory{above}",
    Code.OWN_STORAGE_LIMIT: "raise the limit of the volume or of ephemeral-storage, or write less",
    Code.NODE_PRESSURE_EVICTED: "run it again; a request for what the node ran short of makes it a later victim",
    Code.SCHEDULER_PREEMPTED: "run it again, or give it a higher priority",
    Code.KUBELET_PREEMPTED: "run it again",
    Code.NODE_SHUTDOWN: "run it again",
    Code.NODE_LOST: "run it again; the old container may still run if only its kubelet is dead",
    Code.NODE_GONE: "run it again",
    Code.DEVICE_TAINT_EVICTED: "run it again; the device it had is taken out of service",
    Code.DRAINED: "run it again",
    Code.DISRUPTED: "run it again",
    Code.POD_DELETED: "run it again; the API server's audit log knows who deleted the pod",
    Code.ADMISSION_REJECTED: "run it again, on another node; where it is refused again, change what it asks for",
    Code.IMAGE_INVALID: "write the image as registry/name:tag, in lower case",
    Code.IMAGE_NOT_FOUND: "check name and tag of {image}, and push it if it is not there",
    Code.IMAGE_UNAUTHORIZED: "give the pod an imagePullSecret that may read {image}",
    Code.IMAGE_NEVER_PULL: "put {image} on the node, or let imagePullPolicy pull it",
    Code.IMAGE_REGISTRY_UNAVAILABLE: "wait for the registry, and try the pull from the node",
    Code.IMAGE_PULL_FAILED: "try the pull from the node; for a wrong platform build the image for it",
    Code.CONTAINER_CONFIG_ERROR: "create the ConfigMap, Secret or key that is named, or do not ask for it",
    Code.CONTAINER_CREATE_ERROR: "change what the message names, or try another node",
    Code.START_ERROR: "check command, working directory and hooks of the container against its image",
    Code.COMMAND_NOT_FOUND: "check the command against what is in the image",
    Code.COMMAND_NOT_EXECUTABLE: "make the file executable, for this machine",
    Code.RESULT_INVALID: "write valid JSON to the file that EIGHTBELLS_RESULT names",
    Code.INIT_FAILED: "read what the init container wrote",
    Code.CRASH_LOOP: "read what the container wrote before it crashed",
    Code.CANNOT_START: "describe the pod and its node",
    Code.SIDECAR_FAILED: "let the sidecar end well, or make it a native one (an init container that restarts always)",
    Code.UNSCHEDULABLE: "ask for less, or for a node that there is",
    Code.SANDBOX_OR_VOLUME: "create what the message names, or look at the node's network and storage",
    Code.POD_CREATE_DENIED: "change what is refused, or the policy that refuses it",
    Code.QUOTA_EXCEEDED: "wait until others have finished, or raise the quota",
    Code.WEBHOOK_UNAVAILABLE: "bring the webhook back, or let it fail open",
    Code.JOB_MISSING: "submit it again",
    Code.COMPLETED_WITHOUT_REPORT: "",
    Code.CAUSE_LOST: "run it once more; podFailurePolicy and a longer ttl keep more of the cause",
    Code.UNKNOWN: "run it once more, and keep the pod to look at",
}

BY_CAUSE: dict[str, str] = {
    LIMIT_TOO_LOW: SAID[Code.OOM_KILLED],
    RUNS_AS_ROOT: "give it a runAsUser that is not 0, or build {image} for such a user",
    NO_SCHEDULER: "name a scheduler that runs, or none",
}
"""Where the code's own remedy would be the wrong one."""

F = TypeVar("F", bound=Finding)


def with_remedy(case: Case, finding: F) -> F:
    """Return the finding with the remedy of its code (of its cause, for what failed before main), where it has none."""
    if finding.remedy is not None:
        return finding
    code = Code(finding.cause) if finding.code == Code.INIT_FAILED and finding.cause in set(Code) else finding.code
    text = BY_CAUSE.get(finding.cause or "") or SAID.get(code, "")
    if not text:
        return finding
    pod = next((one.pod for one in case.pods if one.pod.name == finding.pod), Pod())
    name = finding.container or case.main
    limit = memory_limit(pod, name)
    image = asked_for(pod, name).image or "the image"
    return replace(finding, remedy=text.format(above=f" above {limit}" if limit else "", image=image))
