"""The labels and annotations by which a Job or pod is ours, as the dispatcher writes them."""

import re

from eightbells.reconciler.objects import Job, Pod

DOMAIN = "eightbells.io"

DISPATCH_LABEL = f"{DOMAIN}/dispatch"
DISPATCH_ANNOTATION = f"{DOMAIN}/dispatch-id"
WRAPPER_ANNOTATION = f"{DOMAIN}/wrapper"
CANCELLED_ANNOTATION = f"{DOMAIN}/cancelled-at"
START_TIMEOUT_ANNOTATION = f"{DOMAIN}/start-timeout"

RESERVED = "eightbells-"
"""What the names of the containers that we bring begin with."""

LAUNCHER = "eightbells-wrapper"

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def dispatch_of(thing: Job | Pod | None) -> str | None:
    """Return the dispatch id: the annotation, else the Job's UID where the label says that it is ours."""
    if thing is None:
        return None
    marked = thing.annotations.get(DISPATCH_ANNOTATION)
    if marked or DISPATCH_LABEL not in (thing.metadata.labels or {}):
        return marked or None
    if isinstance(thing, Job):
        return thing.uid or None
    return (thing.metadata.labels or {}).get("batch.kubernetes.io/controller-uid") or None


def start_timeout_of(job: Job | None) -> float | None:
    """Return the seconds that a dispatch may take to start, where its Job says some."""
    said = (job.annotations.get(START_TIMEOUT_ANNOTATION) if job else None) or ""
    return float(said) if _SECONDS.fullmatch(said) else None


def is_wrapped(pod: Pod, command: tuple[str, ...] | None) -> bool:
    """Whether our wrapper is the entry point: by the container's command, else by the annotation."""
    if command:
        return command[0].rpartition("/")[2] == LAUNCHER
    return bool(pod.annotations.get(WRAPPER_ANNOTATION))
