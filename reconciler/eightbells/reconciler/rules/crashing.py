"""Rule 9: containers that crash and are started again, which the Job may or may not count."""

from datetime import datetime

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case
from eightbells.reconciler.events import is_later, newest
from eightbells.reconciler.graces import CRASHES
from eightbells.reconciler.objects import ContainerStatus, Terminated
from eightbells.reconciler.rules.attempt import cause_of
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.verdict import Finding, fact
from msgspec.structs import replace


def crash_loop(
    case: Case, sighting: Sighting, status: ContainerStatus, over: Terminated, since: datetime
) -> Finding | None:
    """Return that a container which main waits for keeps crashing; with OnFailure the Job counts that, and decides."""
    restarts = status.restart_count or 0
    if case.spec.restart_policy == "OnFailure" or restarts < CRASHES:
        return None
    cause = cause_of(case, sighting, status, over)
    events = case.about_pod(sighting.pod)
    unhealthy = newest((event for event in events if "Startup probe" in event.said), "Unhealthy")
    if unhealthy and not is_later(unhealthy, newest(events, "Killing")):
        cause = replace(cause, code=Code.PROBE_FAILED, fault="user", retryable="caller", charged=True)
    name = status.name or "?"
    path = f"status.initContainerStatuses[{name}].restartCount"
    counted = fact(f"pod {sighting.pod.name}", path, restarts, over.finished_at)
    return replace(
        cause,
        code=Code.CRASH_LOOP,
        cause=str(cause.code),
        rule="9",
        explanation=f'"{name}", which "{case.main}" waits for, was started {restarts + 1} times: {cause.explanation}',
        evidence=(*cause.evidence, counted),
        since=since,
        rests_on_events=True,
    )
