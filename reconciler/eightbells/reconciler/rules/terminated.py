"""Rule 6: a container that ended, by what is said of its end. In one table, the most telling first."""

import re
import signal

from eightbells.events.codes import Code
from eightbells.reconciler.containers import STATUS_UNKNOWN, asked_for, has_run, memory_limit, was_running
from eightbells.reconciler.deletions import asked_at
from eightbells.reconciler.events import Event, is_later, newest
from eightbells.reconciler.marks import is_wrapped
from eightbells.reconciler.messages import is_limit_too_low
from eightbells.reconciler.reports import code_of, ended_by_itself, is_final, was_told_to_stop
from eightbells.reconciler.rules.ends import End, EndRule
from eightbells.reconciler.times import between, duration
from eightbells.reconciler.verdict import Finding, fact
from msgspec.structs import replace

SIGKILL, SIGTERM = 137, 143
LAST_SIGNAL = 159

_KILLS = re.compile(r"(Liveness|Startup) probe")
"""A readiness probe kills nobody. Under restartPolicy Never the Killing itself does not say why."""


def judge_end(end: End) -> Finding:
    """Return what a container's end means."""
    return next(found for rule in ENDS if (found := rule(end)))


def out_of_memory(end: End) -> Finding | None:
    """OOMKilled, 143 beside it included; beside exit 0 it is a warning on a success."""
    if end.ended.reason != "OOMKilled" or end.exit_code == 0:
        return None
    limit = memory_limit(end.pod, end.name)
    at = f" ({limit})" if limit else ""
    says = f'The kernel killed "{end.name}" at its memory limit{at}{_after(end)}{_on(end)}.'
    return end.find(Code.OOM_KILLED, "6a", says)


def could_not_start(end: End) -> Finding | None:
    """StartError and ContainerCannotRun: the runtime could not start the command."""
    if end.ended.reason not in {"StartError", "ContainerCannotRun"}:
        return None
    evidence = (end.evidence("reason"), end.evidence("message"))
    if is_limit_too_low(end.message or ""):
        says = f'The memory limit of "{end.name}" is below what starting a container needs.'
        return end.find(Code.OOM_KILLED, "6a", says, evidence=evidence)
    says = f'"{end.name}" could not be started{_on(end)}: {end.message or end.ended.reason}.'
    return end.find(Code.START_ERROR, "6a", says, evidence=evidence)


def power_was_lost(end: End) -> Finding | None:
    """Reason Unknown with 255: the node was down. A command's own 255 has reason Error."""
    if end.ended.reason != "Unknown" or end.exit_code != 255:
        return None
    says = f'The node went down while "{end.name}" ran{_on(end)}: how it ended was lost with it.'
    return end.find(Code.NODE_LOST, "6a", says, exit_code=None, may_still_run=True)


def status_is_unknown(end: End) -> Finding | None:
    """ContainerStatusUnknown: the kubelet no longer knew the container, and its 137 is made up."""
    if end.ended.reason != STATUS_UNKNOWN:
        return None
    evidence = (end.evidence("reason"), end.evidence("message"))
    if was_running(end.sighting, end.name):
        says = f'"{end.name}" had started, and its container was gone when the kubelet looked{_on(end)}.'
        return end.find(Code.NODE_LOST, "6a", says, exit_code=None, evidence=evidence, may_still_run=True)
    if (asked := asked_at(end.sighting)) is None:
        says = f'The kubelet no longer knows what became of "{end.name}"{_on(end)}.'
        return end.find(Code.UNKNOWN, "6a", says, exit_code=None, evidence=evidence)
    says = f'The pod was deleted before "{end.name}" had started.'
    deleted = fact(f"pod {end.pod.name}", "metadata.deletionTimestamp", end.pod.metadata.deletion_timestamp, asked)
    return end.find(Code.POD_DELETED, "6a", says, exit_code=None, evidence=(*evidence, deleted))


def wrapper_said(end: End) -> Finding | None:
    """The wrapper's final word, where nobody outside had told the command to stop."""
    return _by_report(end) if ended_by_itself(end.report) else None


def hook_or_probe(end: End) -> Finding | None:
    """137 and 143, or whatever a command makes of a TERM that its wrapper has seen: the kubelet kills for a failed hook
    or probe, and says so only in Events.
    """
    if not end.is_main or not (end.exit_code in {SIGKILL, SIGTERM} or was_told_to_stop(end.report)):
        return None
    events = end.case.about_pod(end.pod)
    hook, killing = newest(events, "FailedPostStartHook"), newest(events, "Killing")
    unhealthy = newest((event for event in events if _KILLS.match(event.said)), "Unhealthy")
    if hook:
        says = f'The postStart hook of "{end.name}" failed{_on(end)}, so the kubelet killed it: {hook.said}'
        evidence = (end.evidence(), fact(f"pod {end.pod.name}", f"event {hook.reason}", hook.said, hook.at))
        return end.find(Code.START_ERROR, "6b", says, evidence=evidence)
    if unhealthy and killing and not is_later(unhealthy, killing) and not _was_deleted_before(end, killing):
        says = f'A probe of "{end.name}" kept failing{_on(end)}, so the kubelet killed it: {unhealthy.said}'
        told = [fact(f"pod {end.pod.name}", f"event {one.reason}", one.said, one.at) for one in (unhealthy, killing)]
        return end.find(Code.PROBE_FAILED, "6b", says, evidence=(end.evidence(), *told), rests_on_events=True)
    return None


def ended_after_deletion(end: End) -> Finding | None:
    """Any end after the pod's deletion, which somebody asked for who is not the Job."""
    asked, finished = asked_at(end.sighting), end.ended.finished_at
    is_theirs = asked is not None and end.pod.uid not in end.case.victims and end.is_main
    if asked is None or not is_theirs or (finished is not None and finished < asked and not _was_stopped(end)):
        return None
    says = f'Somebody deleted the pod while "{end.name}" ran{_on(end)}; it ended with {end.exit_code}.'
    deleted = fact(f"pod {end.pod.name}", "metadata.deletionTimestamp", end.pod.metadata.deletion_timestamp, asked)
    told = end.report.terminated_by if end.report else None
    return end.find(
        Code.POD_DELETED,
        "6b",
        says,
        evidence=(end.evidence(), deleted),
        rests_on_events=True,
        terminated_by=told or ("SIGTERM" if end.exit_code in {0, SIGTERM} else None),
    )


def wrapper_said_at_last(end: End) -> Finding | None:
    """The wrapper's final word about a command that was told to stop, where nobody is found who did."""
    found = _by_report(end)
    return replace(found, rests_on_events=True) if found else None


def wrapper_never_spoke(end: End) -> Finding | None:
    """126 and 127 where the wrapper is the entry point: the image has no wrapper, or not for this machine."""
    if end.exit_code not in {126, 127} or not end.is_main:
        return None
    if not is_wrapped(end.pod, asked_for(end.pod, end.name).command) or end.report:
        return None
    says = f'The wrapper of "{end.name}" never spoke and ended with {end.exit_code}: it could not be run in this image.'
    return end.find(Code.START_ERROR, "6a", says)


def killed(end: End) -> Finding | None:
    """137 with nothing that explains it."""
    if end.exit_code != SIGKILL:
        return None
    says = f'SIGKILL ended "{end.name}"{_after(end)}{_on(end)}, and nothing says who sent it.'
    return end.find(Code.KILLED_137, "6b", says, signal="SIGKILL", rests_on_events=True)


def signalled(end: End) -> Finding | None:
    """129 to 159: a signal, which cannot be told from a command that exits with that number."""
    if not 128 < end.exit_code <= LAST_SIGNAL:
        return None
    name = signal_name(end.exit_code - 128)
    says = f'"{end.name}" ended with {end.exit_code}, as {name} does it{_after(end)}{_on(end)}.'
    return end.find(Code.SIGNALLED, "6a", says, signal=name, rests_on_events=end.exit_code == SIGTERM)


def exited(end: End) -> Finding | None:
    """What is left: the command's own exit code."""
    if end.exit_code:
        says = f'"{end.name}" exited with {end.exit_code}{_after(end)}{_on(end)}.'
        return end.find(Code.EXIT_NONZERO, "6a", says)
    says = f'"{end.name}" exited with 0{_after(end)}{_on(end)}.'
    reported = is_final(end.report) and code_of(end.report) == Code.EXITED_ZERO
    warnings: tuple[str, ...] = ("oom_kill_observed",) if end.ended.reason == "OOMKilled" else ()
    if not reported and is_wrapped(end.pod, asked_for(end.pod, end.name).command):
        warnings += ("no_report",)
    code = Code.EXITED_ZERO if reported else Code.COMPLETED_WITHOUT_REPORT
    return end.find(code, "6a", says, warnings=warnings)


ENDS: tuple[EndRule, ...] = (
    out_of_memory,
    could_not_start,
    power_was_lost,
    status_is_unknown,
    wrapper_said,
    hook_or_probe,
    ended_after_deletion,
    wrapper_said_at_last,
    wrapper_never_spoke,
    killed,
    signalled,
    exited,
)


def _was_deleted_before(end: End, killing: Event) -> bool:
    asked = asked_at(end.sighting)
    return bool(asked and killing.at and killing.at >= asked)


def _was_stopped(end: End) -> bool:
    """Whether the kubelet stopped it. Its last DELETE, without a grace, moves the deletion on past the end: who sees a
    pod only then, because a finalizer keeps it, has the Event alone.
    """
    if end.pod.metadata.deletion_grace_period_seconds != 0 or end.exit_code not in {SIGKILL, SIGTERM}:
        return False
    killing, finished = newest(end.case.about_pod(end.pod), "Killing"), end.ended.finished_at
    return bool(killing and killing.at and finished and killing.at <= finished)


def signal_name(number: int) -> str:
    """Return the name of a signal, or its number where it has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _by_report(end: End) -> Finding | None:
    code = code_of(end.report)
    if end.report is None or not is_final(end.report) or code is None or code == Code.EXITED_ZERO:
        return None
    if end.report.exit_code not in {None, end.exit_code}:  # of an earlier run in this pod
        return None
    fault = end.report.fault or "unknown"
    says = f'The wrapper of "{end.name}" says: {end.report.message or code}.'
    evidence = (end.evidence(), fact(f"run {end.report.run}", "code", code))
    return end.find(code, "6", says, fault=fault, evidence=evidence, remedy=end.report.remedy)


def _after(end: End) -> str:
    if not (has_run(end.ended) and end.ended.started_at and end.ended.finished_at):
        return ""
    return f", {duration(max(0.0, between(end.ended.started_at, end.ended.finished_at)))} after it started"


def _on(end: End) -> str:
    node = end.pod.wants.node_name
    return f", on {node}" if node else ""
