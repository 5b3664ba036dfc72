"""What a pod that was taken away still says of its command: exit code, times, and the wrapper's own word."""

from datetime import datetime

from eightbells.reconciler.case import Case
from eightbells.reconciler.containers import STATUS_UNKNOWN, has_started, status_of
from eightbells.reconciler.deletions import asked_at
from eightbells.reconciler.objects import Running, Terminated
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import EPOCH, timestamp
from eightbells.reconciler.verdict import Finding
from msgspec.structs import replace

MAY_RUN_ON = "node_lost"
"""The container of a dead kubelet runs on beside the retry."""


def with_witness(case: Case, sighting: Sighting, finding: Finding) -> Finding:
    """Return a finding about a pod with what its main says; a made-up exit code says nothing."""
    ended = status_of(sighting.pod, case.main).now.terminated or Terminated()
    report = case.report(sighting)
    known = ended if ended.reason != STATUS_UNKNOWN else Terminated(finished_at=ended.finished_at)
    return replace(
        finding,
        pod=sighting.pod.name,
        pod_uid=sighting.pod.uid,
        container=case.main,
        exit_code=known.exit_code,
        signal=report.signal if report else None,
        terminated_by=(report.terminated_by if report else None) or told(known),
        started_at=(report.started_at if report else None) or timestamp(start_of(case, sighting)),
        finished_at=(report.finished_at if report else None) or timestamp(known.finished_at),
        report=report,
        may_still_run=finding.code == MAY_RUN_ON or None,
    )


def told(ended: Terminated) -> str | None:
    """Return what told a command to stop that ended in a pod which was taken away."""
    return {0: "SIGTERM", 143: "SIGTERM", 137: "SIGKILL"}.get(-1 if ended.exit_code is None else ended.exit_code)


def was_told(sighting: Sighting, ended: Terminated) -> str | None:
    """Return SIGTERM for a command that ended well after somebody had begun to take its pod away."""
    disruption = sighting.pod.holds("DisruptionTarget")
    begun = asked_at(sighting) or (disruption.last_transition_time if disruption else None)
    return "SIGTERM" if begun and ended.finished_at and ended.finished_at >= begun else None


def start_of(case: Case, sighting: Sighting) -> datetime | None:
    """Return when main was last seen to have started."""
    if not has_started(sighting, case.main):
        return None
    for pod in sighting.sights:
        status = status_of(pod, case.main)
        for state in (status.now, status.last):
            started = (state.running or Running()).started_at or (state.terminated or Terminated()).started_at
            if started and started > EPOCH:
                return started
    return None
