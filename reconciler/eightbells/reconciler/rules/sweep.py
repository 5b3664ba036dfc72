"""Rules 8 to 10 as decisions with their graces, the two exceptions, and rule 12: what no condition ends."""

from datetime import datetime

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case, ignores_some_failure, made_at, says_nothing_of_pods
from eightbells.reconciler.containers import ended, has_started, is_running, others, status_of
from eightbells.reconciler.deletions import asked_at
from eightbells.reconciler.graces import NET, NEVER_A_POD
from eightbells.reconciler.rules.attempt import judge_attempt
from eightbells.reconciler.rules.creation import judge_creation, started_without_pod
from eightbells.reconciler.rules.pending import is_gated, is_pulling_main, judge_pending
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import duration, later, timestamp
from eightbells.reconciler.verdict import Finding, NotYet, Verdict, fact, find, make_verdict
from msgspec.structs import replace

GRACE = 30
"""terminationGracePeriodSeconds where a pod says none."""

STALE = "The view of the cluster is too old."

AGAIN = 30.0
"""Seconds after which a stale view is looked at again."""


def main_decides(case: Case) -> Verdict | None:
    """The second exception: main's own end, where nothing can follow it (backoffLimit 0, Never, one completion)."""
    sighting = _last(case)
    if sighting is None or not _nothing_can_follow(case, sighting):
        return None
    over = status_of(sighting.pod, case.main).now.terminated
    found = judge_attempt(case, sighting) if over or sighting.pod.says.phase == "Failed" else None
    return make_verdict(found) if found and not _lives_on(case, sighting) else None


def pod_lives_on(case: Case) -> Verdict | None:
    """Rule 6d: main ended by itself, and other containers keep its pod alive."""
    sighting = _last(case)
    if sighting is None or case.may_be_followed(sighting) or sighting.pod.wants.restart_policy != "Never":
        return None
    over = status_of(sighting.pod, case.main).now.terminated
    if over is None or asked_at(sighting) or not case.is_single or case.is_suspended:
        return None
    found = judge_attempt(case, sighting)
    if found is None or not _lives_on(case, sighting):
        return None
    return make_verdict(replace(found, rule="6d", warnings=(*found.warnings, "pod_still_running"), may_still_run=True))


def node_is_lost(case: Case) -> Verdict | NotYet | None:
    """The first exception: a pod on a lost node may never end, and then its Job says so never."""
    if not _clock_runs(case):
        return None
    for sighting in case.pods:
        found = _lost(case, sighting)
        if found and found.since:
            grace = sighting.pod.wants.termination_grace_period_seconds
            until = later(found.since, case.graces.of(Code.NODE_LOST) + (GRACE if grace is None else grace))
            return _after_grace(case, found, until)
    return None


def _lost(case: Case, sighting: Sighting) -> Finding | None:
    """Return that a pod is on a lost node, of which its Job says nothing; of one that has failed the Job does."""
    pod = sighting.pod
    if pod.uid in case.victims or pod.says.phase == "Failed" or case.may_be_followed(sighting):
        return None
    found = judge_attempt(case, sighting)
    if found is None or found.code != Code.NODE_LOST:
        return None
    over, ready = ended(status_of(pod, case.main)), pod.condition("Ready")
    since = pod.metadata.deletion_timestamp or (over.finished_at if over else None)
    return replace(found, since=since or (ready.last_transition_time if ready else None) or made_at(pod))


def pending(case: Case) -> Verdict | NotYet | None:
    """Rules 8 and 9: what keeps the newest pod from starting, once it has lasted for its grace; not while others run,
    which may make room for it.
    """
    sighting = _last(case)
    if sighting is None or not _clock_runs(case) or asked_at(sighting) or judge_attempt(case, sighting):
        return None
    found = judge_pending(case, sighting)
    if found is None and is_pulling_main(case, sighting):
        return NotYet(why=_describe(case), warnings=("pull_in_progress",))
    if found is None or found.since is None:
        return None
    if case.is_running:
        why = f"{found.explanation.rstrip('.')}; meanwhile another pod of the Job runs."
        return NotYet(why=why, finding=found)
    return _after_grace(case, found, later(found.since, case.graces.of(found.code)))


def never_had_a_pod(case: Case) -> Verdict | NotYet | None:
    """Rule 10: for 60 s, then by the Events of the Job."""
    if case.pods or case.job is None or not _clock_runs(case) or not says_nothing_of_pods(case.job):
        return None
    since = started_without_pod(case)
    if since is None:
        return None
    if case.now < (until := later(since, NEVER_A_POD)):
        return NotYet(why="The Job has no pod yet.", until=until)
    found = judge_creation(case)
    if found is None or found.since is None:
        return None
    return _after_grace(case, found, later(found.since, case.graces.of(found.code)))


def deadline_passed(case: Case) -> Verdict | NotYet | None:
    """Rule 12: the deadline has passed, in any phase, and nothing above applied."""
    until = deadline_of(case)
    if until is None or case.is_suspended or any(is_gated(one.pod) for one in case.pods[-1:]):
        return None
    if case.now < until:
        return NotYet(why=_describe(case), until=until, would_be=Code.DEADLINE_EXCEEDED)
    bus, look = case.snapshot.bus, case.snapshot.look
    if bus and bus.beat_until and bus.beat_until > case.now:
        return NotYet(why="The deadline has passed, and the wrapper's heart beats.", until=bus.beat_until)
    if not case.is_fresh:
        return NotYet(why=STALE, until=later(case.now, AGAIN), would_be=Code.DEADLINE_EXCEEDED)
    if look is None and not case.snapshot.is_dump:
        why = "The deadline has passed: one GET before that is the ending."
        return NotYet(why=why, until=case.now, would_be=Code.DEADLINE_EXCEEDED, look=("job",))
    told = timestamp(until)
    says = f"The deadline passed at {told}, and nothing has ended it. {_describe(case)}"
    evidence = fact("deadline", "until", told)
    found = find(Code.DEADLINE_EXCEEDED, "12", says, evidence=(evidence,), may_still_run=case.is_running or None)
    return make_verdict(found)


def deadline_of(case: Case) -> datetime | None:
    """Return when it must have ended: by the record, else by the Job; a Job without a deadline has none."""
    if case.snapshot.bus and case.snapshot.bus.deadline:
        return case.snapshot.bus.deadline
    limit = case.job.wants.active_deadline_seconds if case.job else None
    start = case.job.says.start_time if case.job else None
    if limit is None or start is None:
        return None
    grace = case.spec.termination_grace_period_seconds
    return later(start, limit + (GRACE if grace is None else grace) + NET)


def on_its_way(case: Case) -> NotYet:
    """Nothing above applied: it has not ended."""
    return NotYet(why=_describe(case))


def _describe(case: Case) -> str:
    if case.is_suspended:
        return "The Job is suspended."
    runs = (one for one in reversed(case.pods) if is_running(one.pod, case.main) and not one.gone_at)
    sighting = next(runs, _last(case))
    if sighting is None:
        return "The Job has no pod."
    if is_gated(sighting.pod):
        return f"{sighting.pod.name} is held back by a scheduling gate."
    running = status_of(sighting.pod, case.main).now.running
    if running:
        since = f" since {timestamp(running.started_at)}" if running.started_at else ""
        return f'"{case.main}" runs in {sighting.pod.name}{since}.'
    if found := judge_attempt(case, sighting):
        return f"An attempt has ended ({found.code}), and the Job has not said what comes of it."
    how = "is being started again" if has_started(sighting, case.main) else "has not started"
    return f'"{case.main}" in {sighting.pod.name} {how}.'


def _after_grace(case: Case, found: Finding, until: datetime) -> Verdict | NotYet:
    if not case.is_fresh:
        again = max(until, later(case.now, AGAIN))
        return NotYet(why=STALE, until=again, would_be=found.code, finding=found)
    if case.now < until:
        lasts = duration((until - (found.since or until)).total_seconds())
        why = f"{found.explanation.rstrip('.')}; that has to last for {lasts}."
        return NotYet(why=why, until=until, would_be=found.code, finding=found)
    return make_verdict(found, may_still_start=True if found.code != Code.NODE_LOST else None)


def _clock_runs(case: Case) -> bool:
    """Whether time counts against it: not while it is suspended, deleted, or somebody else's to run."""
    deleted = case.job is not None and (case.job.metadata.deletion_timestamp or case.snapshot.job_gone_at)
    return not (case.is_suspended or case.is_managed_elsewhere or deleted or case.success or case.failure)


def _last(case: Case) -> Sighting | None:
    return max(case.pods, key=lambda one: made_at(one.pod), default=None)


def _nothing_can_follow(case: Case, sighting: Sighting) -> bool:
    job = case.job
    if job is None or job.wants.backoff_limit != 0 or job.wants.backoff_limit_per_index is not None:
        return False
    if sighting.pod.wants.restart_policy != "Never" or not case.is_single or len(case.pods) > 1:
        return False
    if ignores_some_failure(job) or not _clock_runs(case):
        return False
    return asked_at(sighting) is None and not sighting.gone_at


def _lives_on(case: Case, sighting: Sighting) -> bool:
    """Whether ordinary containers keep a pod alive; native sidecars the kubelet ends itself."""
    if sighting.pod.says.phase in {"Failed", "Succeeded"}:
        return False
    return any(not one.now.terminated for one in others(sighting.pod, case.main))
