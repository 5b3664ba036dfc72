"""Rules 4 to 7 about one pod: what ended this attempt. In one table, in order."""

from collections.abc import Callable

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case
from eightbells.reconciler.containers import STATUS_UNKNOWN, ended, has_started, is_sidecar, others, status_of, waits
from eightbells.reconciler.deletions import asked_at
from eightbells.reconciler.marks import RESERVED
from eightbells.reconciler.objects import ContainerStatus, Pod, Terminated
from eightbells.reconciler.rules.disruption import disruption_target, nothing_to_read, status_reason
from eightbells.reconciler.rules.ends import End
from eightbells.reconciler.rules.terminated import judge_end
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.verdict import SUCCESSES, Finding
from msgspec import Struct
from msgspec.structs import replace

Judge = Callable[[Case, Sighting], Finding | None]


class AttemptRule(Struct, frozen=True):
    """A rule about a pod, by its number in docs/faults.md."""

    number: str
    judge: Judge


def main_ended(case: Case, sighting: Sighting) -> Finding | None:
    """Rule 6: main's end. With exit 0 in a pod that failed, another container failed it; under restartPolicy Never a
    container that has ended badly will fail its pod, also before the phase says so.
    """
    end = end_of_main(case, sighting)
    if end is None:
        return None
    found = judge_end(end)
    failed = failed_other(sighting.pod, case.main) if found.code in SUCCESSES else None
    fails = sighting.pod.says.phase == "Failed" or sighting.pod.wants.restart_policy == "Never"
    return sidecar_failed(case, sighting, failed) if failed and fails else found


def init_failed(case: Case, sighting: Sighting) -> Finding | None:
    """Rule 6: main never started, and an init container ended badly, with OnFailure before its pod was deleted."""
    if has_started(sighting, case.main):
        return None
    for status in sighting.pod.says.init_container_statuses or ():
        over = end_of_init(sighting, status)
        if over and over.exit_code and not _is_made_up(over):
            return _init_failed(case, sighting, status, over)
    return None


def end_of_init(sighting: Sighting, status: ContainerStatus) -> Terminated | None:
    """Return how an init container ended for good; under OnFailure it is started again until the Job gives up."""
    name = status.name or "?"
    if sighting.pod.wants.restart_policy == "OnFailure":
        return last_before_deletion(sighting, name)
    return None if is_sidecar(sighting.pod, name) else status.now.terminated


def judge_attempt(case: Case, sighting: Sighting) -> Finding | None:
    """Return what ended this attempt, or None where it has not ended."""
    return next((found for rule in ATTEMPT_RULES if (found := rule.judge(case, sighting))), None)


ATTEMPT_RULES: tuple[AttemptRule, ...] = (
    AttemptRule("4", disruption_target),
    AttemptRule("5", status_reason),
    AttemptRule("6", main_ended),
    AttemptRule("6", init_failed),
    AttemptRule("7", nothing_to_read),
)


def end_of_main(case: Case, sighting: Sighting) -> End | None:
    """Return the end of main that counts. With OnFailure that is the last one before the pod's deletion (6c)."""
    status = status_of(sighting.pod, case.main)
    report = case.report(sighting)
    if before := last_before_deletion(sighting, case.main):
        return End(case=case, sighting=without_deletion(sighting), name=case.main, ended=before, where="lastState")
    over = status.now.terminated
    if over is None and status.last.terminated and waits(status) and sighting.gone_at:
        over = status.last.terminated
    if over is None:
        return None
    if not has_started(sighting, case.main) and _is_made_up(over) and init_failed(case, sighting):
        return None
    return End(case=case, sighting=sighting, name=case.main, ended=over, report=report)


def last_before_deletion(sighting: Sighting, name: str) -> Terminated | None:
    """Rule 6c: return the last end of a container before its pod's deletion, out of all sights; None but OnFailure."""
    asked = asked_at(sighting)
    if asked is None or sighting.pod.wants.restart_policy != "OnFailure":
        return None
    statuses = [status_of(pod, name) for pod in sighting.sights]
    ends = [state.terminated for status in statuses for state in (status.now, status.last)]
    known = [one for one in ends if one and one.finished_at and one.finished_at < asked]
    return max(known, key=lambda one: one.finished_at or asked, default=None)


def failed_other(pod: Pod, main: str) -> ContainerStatus | None:
    """Return an ordinary container beside main that ended badly."""
    return next((one for one in others(pod, main) if one.now.terminated and one.now.terminated.exit_code), None)


def sidecar_failed(case: Case, sighting: Sighting, status: ContainerStatus) -> Finding:
    """Return that another container failed the pod in which main ended well."""
    name = status.name or "?"
    over = ended(status) or Terminated()
    end = End(case=case, sighting=sighting, name=name, ended=over)
    cause = judge_end(end)
    says = f'"{case.main}" ended well, and "{name}" failed the pod: {cause.explanation}'
    return end.find(Code.SIDECAR_FAILED, "6", says, cause=cause.code)


def cause_of(case: Case, sighting: Sighting, status: ContainerStatus, over: Terminated) -> Finding:
    """Return what ended an init container or native sidecar."""
    end = End(case=case, sighting=sighting, name=status.name or "?", ended=over, kind="initContainerStatuses")
    return judge_end(end)


def _init_failed(case: Case, sighting: Sighting, status: ContainerStatus, over: Terminated) -> Finding:
    cause = cause_of(case, sighting, status, over)
    name = status.name or "?"
    found = replace(cause, code=Code.INIT_FAILED, cause=str(cause.code), rule="6")
    if name.startswith(RESERVED):
        says = f'Our own init container "{name}" failed, so the wrapper was not brought into the pod.'
        remedy = "check the runtime image that the dispatcher is told to take, and its pull secret"
        return replace(found, explanation=says, remedy=remedy, fault="config", retryable="no", charged=True)
    return replace(found, explanation=f'The init container "{name}" failed: {cause.explanation}')


def _is_made_up(over: Terminated) -> bool:
    return over.reason == STATUS_UNKNOWN


def without_deletion(sighting: Sighting) -> Sighting:
    """Return the sighting as if nobody had deleted the pod: what ended before that was not ended by it."""
    metadata = replace(sighting.pod.metadata, deletion_timestamp=None)
    return replace(sighting, pod=replace(sighting.pod, metadata=metadata), deleted_at=None)
