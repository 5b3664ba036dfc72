"""Rule 8: what keeps main from starting, by what it waits for, or by what it waits on."""

from datetime import datetime

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case, made_at
from eightbells.reconciler.containers import EMPTY, ended, has_started, is_sidecar, status_of, waits
from eightbells.reconciler.messages import NO_SCHEDULER, read_unschedulable
from eightbells.reconciler.objects import ContainerStatus, Pod, Waiting
from eightbells.reconciler.parts import Condition
from eightbells.reconciler.rules.crashing import crash_loop
from eightbells.reconciler.rules.waiting import Wait, is_pulling, judge_wait
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.verdict import Finding, fact, find

BACKING_OFF = "CrashLoopBackOff"

SCHEDULER = "default-scheduler"


def judge_pending(case: Case, sighting: Sighting) -> Finding | None:
    """Return what keeps the pod's main from starting; None where nothing does, or nothing is known to."""
    pod = sighting.pod
    if has_started(sighting, case.main):
        return None
    scheduled = pod.condition("PodScheduled")
    if not (scheduled and scheduled.is_true) and not pod.wants.node_name:
        return unscheduled(case, pod, scheduled)
    since = waiting_since(sighting)
    if status := before_main(pod):
        return judge_init(case, sighting, status, since)
    status = status_of(pod, case.main)
    waiting = waits(status)
    if waiting is None or waiting.reason == BACKING_OFF:
        return None
    return judge_wait(Wait(case=case, sighting=sighting, status=status, waiting=waiting, since=since))


def judge_init(case: Case, sighting: Sighting, status: ContainerStatus, since: datetime) -> Finding | None:
    """Return what keeps an init container or native sidecar from letting main start."""
    over = ended(status)
    if over and status.restart_count:
        return crash_loop(case, sighting, status, over, since)
    if status.now.running or status.now.terminated:
        return slow_sidecar(sighting.pod, status, since) if is_sidecar(sighting.pod, status.name or "") else None
    waiting = waits(status) or Waiting()
    if waiting.reason in {None, "PodInitializing", BACKING_OFF}:  # it waits for what the pod itself waits for
        waiting = Waiting(reason=EMPTY, message=waiting.message)
    return judge_wait(Wait(case=case, sighting=sighting, status=status, waiting=waiting, since=since))


def is_pulling_main(case: Case, sighting: Sighting) -> bool:
    """Whether nothing is known to be wrong but that a pull has begun, and not ended: slow, or hung."""
    pod = sighting.pod
    if has_started(sighting, case.main) or not pod.holds("PodScheduled"):
        return False
    return waits(status_of(pod, case.main)) is not None and is_pulling(case.about_pod(pod))


def is_gated(pod: Pod) -> bool:
    """Whether somebody holds the pod back from the scheduler: then no clock runs."""
    scheduled = pod.condition("PodScheduled")
    return bool(pod.wants.scheduling_gates) or bool(scheduled and scheduled.reason == "SchedulingGated")


def unscheduled(case: Case, pod: Pod, scheduled: Condition | None) -> Finding | None:
    """Return that the pod has no node; counted from when the scheduler said so, or from its creation."""
    if is_gated(pod):
        return None
    if scheduled is None:
        name = pod.wants.scheduler_name or SCHEDULER
        says = f'No scheduler has looked at the pod; it asks for "{name}".'
        evidence = fact(f"pod {pod.name}", "spec.schedulerName", name, pod.metadata.creation_timestamp)
        cause, since = NO_SCHEDULER, pod.metadata.creation_timestamp
    else:
        says = f"No node takes the pod: {scheduled.message or scheduled.reason or 'the scheduler does not say why'}"
        cause, since = read_unschedulable(scheduled.message or ""), scheduled.last_transition_time
        evidence = fact(f"pod {pod.name}", "status.conditions[PodScheduled].message", scheduled.message, since)
    return find(
        Code.UNSCHEDULABLE,
        "8",
        says,
        cause=cause,
        message=scheduled.message if scheduled else None,
        evidence=(evidence,),
        since=since or made_at(pod),
        pod=pod.name,
        pod_uid=pod.uid,
        container=case.main,
    )


def before_main(pod: Pod) -> ContainerStatus | None:
    """Return the init container that main waits for now; those behind it have not begun."""
    for asked in pod.wants.init_containers or ():
        status = status_of(pod, asked.name or "")
        over = status.now.terminated
        is_done = bool(status.started) if asked.restart_policy == "Always" else bool(over and not over.exit_code)
        if not is_done:
            return status
    return None


def waiting_since(sighting: Sighting) -> datetime:
    """Return since when the pod waits: our own first sight, else an init container's end, else its scheduling."""
    if sighting.waiting_since:
        return sighting.waiting_since
    pod = sighting.pod
    ends = [status.now.terminated for status in pod.says.init_container_statuses or ()]
    finished = [one.finished_at for one in ends if one and one.finished_at]
    scheduled = pod.holds("PodScheduled")
    begun = scheduled.last_transition_time if scheduled else None
    return max(finished, default=None) or begun or made_at(pod)


def slow_sidecar(pod: Pod, status: ContainerStatus, since: datetime) -> Finding | None:
    """Return that a native sidecar runs and never becomes started: its startup probe does not pass."""
    if not status.now.running or status.started:
        return None
    says = f'The sidecar "{status.name}" runs, and its startup probe has not passed.'
    path = f"status.initContainerStatuses[{status.name}].started"
    evidence = fact(f"pod {pod.name}", path, "false", status.now.running.started_at)
    return find(
        Code.CANNOT_START,
        "8",
        says,
        cause="startup probe",
        evidence=(evidence,),
        since=since,
        pod=pod.name,
        pod_uid=pod.uid,
        container=status.name,
    )
