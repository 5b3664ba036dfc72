"""Who deleted a pod, and when: what deletion does to a pod is not evidence of why.

deletionTimestamp lies in the future by the termination grace; the deletion itself was asked for that much earlier.
"""

from collections.abc import Iterable
from datetime import datetime

from eightbells.reconciler.containers import status_of
from eightbells.reconciler.events import Event
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.parts import Condition, Metadata
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import later

SUCCESSFUL_DELETE = "SuccessfulDelete"


def deleted_at(metadata: Metadata) -> datetime | None:
    """Return when the deletion was asked for, or None where nobody has."""
    if metadata.deletion_timestamp is None:
        return None
    return later(metadata.deletion_timestamp, -(metadata.deletion_grace_period_seconds or 0))


def asked_at(sighting: Sighting) -> datetime | None:
    """Return when the pod's deletion was asked for, as it was first seen, or None where nobody has."""
    return sighting.deleted_at or deleted_at(sighting.pod.metadata)


def find_failure(job: Job | None) -> Condition | None:
    """Return the condition by which a Job failed; `FailureTarget` comes first, and may be all that ever comes."""
    return (job.holds("FailureTarget") or job.holds("Failed")) if job else None


def find_success(job: Job | None) -> Condition | None:
    """Return the condition by which a Job succeeded."""
    return (job.holds("SuccessCriteriaMet") or job.holds("Complete")) if job else None


def find_victims(job: Job | None, pods: Iterable[Sighting], events: Iterable[Event], main: str) -> frozenset[str]:
    """Return the UIDs of the pods that the Job controller deleted itself, at its own end or on suspension."""
    if job is None:
        return frozenset()
    named = {event.said.removeprefix("Deleted pod: ") for event in events if is_deletion_by(job, event)}
    pods = tuple(pods)
    return frozenset(
        one.pod.uid for one in pods if one.pod.name in named or (not named and _looks_deleted_by(job, one, pods, main))
    )


def is_deletion_by(job: Job, event: Event) -> bool:
    """Whether an Event says that the Job deleted a pod."""
    return event.reason == SUCCESSFUL_DELETE and event.is_about("Job", job.name, job.uid)


def _looks_deleted_by(job: Job, one: Sighting, pods: tuple[Sighting, ...], main: str) -> bool:
    failure, asked = find_failure(job), asked_at(one)
    if failure is None or asked is None or one.pod.holds("DisruptionTarget"):
        return False
    if failure.last_transition_time and asked < later(failure.last_transition_time, -1):
        return False
    return _had_restarted(one.pod, main) or any(_failed_before(other, asked) for other in pods if other is not one)


def _had_restarted(pod: Pod, main: str) -> bool:
    return pod.wants.restart_policy == "OnFailure" and bool(status_of(pod, main).restart_count)


def _failed_before(one: Sighting, moment: datetime) -> bool:
    if one.pod.says.phase != "Failed":
        return False
    ends = [status.now.terminated for status in one.pod.says.container_statuses or ()]
    times = [end.finished_at for end in ends if end and end.finished_at]
    return not times or max(times) <= later(moment, 1)
