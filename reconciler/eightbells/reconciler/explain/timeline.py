"""What happened when: the Job's, its pods' and containers' own times, and the Events that tell something."""

from collections.abc import Iterator
from datetime import datetime

from eightbells.reconciler.case import Case
from eightbells.reconciler.containers import has_run
from eightbells.reconciler.deletions import deleted_at
from eightbells.reconciler.objects import ContainerStatus, Job, Pod
from eightbells.reconciler.times import between, timestamp
from msgspec import Struct

TELLING = frozenset(
    {
        "BackOff",
        "DeviceTaintManagerEviction",
        "Evicted",
        "Failed",
        "FailedAttachVolume",
        "FailedCreate",
        "FailedCreatePodSandBox",
        "FailedMount",
        "FailedPostStartHook",
        "FailedScheduling",
        "Killing",
        "NodeNotReady",
        "Preempted",
        "Preempting",
        "Pulling",
        "Pulled",
        "SuccessfulDelete",
        "TaintManagerEviction",
        "Unhealthy",
    }
)
"""Reasons of Events that say what no status says."""

STEPS = 24
"""More than these nobody reads: of the middle is left out."""

Moment = tuple[datetime | None, str]


class Step(Struct, frozen=True):
    """Something that happened; `after` are the seconds since the step before it."""

    time: str | None
    what: str
    after: float


def build_timeline(case: Case) -> tuple[Step, ...]:
    """Return what happened, in order; within a second as one thing leads to another."""
    pods, are_many = [one.pod for one in case.pods], len(case.pods) > 1
    moments = [*_beginning_of_job(case.job), *(step for pod in pods for step in _of_pod(pod, are_many))]
    moments += [(event.at, f"{event.reason}") for event in case.events if event.reason in TELLING]
    moments += [*(step for pod in pods for step in _containers_of(pod)), *_end_of_job(case.job)]
    known = sorted(((at, what) for at, what in moments if at), key=lambda one: one[0])
    if len(known) > STEPS:
        known = [*known[: STEPS // 2], *known[-STEPS // 2 :]]
    steps, last = [], known[0][0] if known else None
    for at, what in known:
        steps.append(Step(timestamp(at), what, round(between(last or at, at), 6)))
        last = at
    return tuple(steps)


def _beginning_of_job(job: Job | None) -> Iterator[Moment]:
    if job is None:
        return
    yield job.metadata.creation_timestamp, "created"
    if job.says.start_time != job.metadata.creation_timestamp:
        yield job.says.start_time, "Job started"


def _end_of_job(job: Job | None) -> Iterator[Moment]:
    if job is None:
        return
    for condition in job.says.conditions or ():
        if condition.is_true:
            yield condition.last_transition_time, f"Job {condition.type}"
    yield job.metadata.deletion_timestamp, "Job deleted"


def _of_pod(pod: Pod, is_one_of_many: bool) -> Iterator[Moment]:
    of = f" {pod.name}" if is_one_of_many else ""
    yield pod.metadata.creation_timestamp, f"pod{of} created"
    if scheduled := pod.holds("PodScheduled"):
        yield scheduled.last_transition_time, f"scheduled {pod.wants.node_name or ''}".rstrip()
    if disruption := pod.holds("DisruptionTarget"):
        yield disruption.last_transition_time, f"DisruptionTarget {disruption.reason or ''}".rstrip()
    yield deleted_at(pod.metadata), f"pod{of} deleted"


def _containers_of(pod: Pod) -> Iterator[Moment]:
    for status in (*(pod.says.init_container_statuses or ()), *(pod.says.container_statuses or ())):
        yield from _of_container(status)


def _of_container(status: ContainerStatus) -> Iterator[Moment]:
    for state in (status.last, status.now):
        if state.running:
            yield state.running.started_at, f"{status.name} started"
        over = state.terminated
        if over:
            if has_run(over):
                yield over.started_at, f"{status.name} started"
            yield over.finished_at, f"{status.name} ended ({over.reason or over.exit_code})"
