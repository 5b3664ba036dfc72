"""Rule 10: the Job never had a pod. Its FailedCreate Events say why."""

from datetime import datetime

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case, says_nothing_of_pods
from eightbells.reconciler.events import Event, newest
from eightbells.reconciler.graces import NEVER_A_POD
from eightbells.reconciler.messages import read_create_denial
from eightbells.reconciler.times import later
from eightbells.reconciler.verdict import Finding, NotYet, fact, find

FAILED_CREATE = "FailedCreate"


def judge_creation(case: Case) -> Finding | None:
    """Return what keeps the Job from having a pod, by the newest Event; counted from the first of them."""
    if case.job is None:
        return None
    denied = case.about_job(FAILED_CREATE)
    event = newest(denied)
    since = started_without_pod(case)
    if event is None:
        says = "The Job has never had a pod, and no Event says why."
        evidence = fact(f"job {case.job.name}", "status.startTime", case.job.says.start_time, since)
        return find(Code.CANNOT_START, "10", says, since=since, evidence=(evidence,), rests_on_events=True)
    meaning = read_create_denial(event.said)
    says = f"The Job cannot make its pod ({meaning.cause}): {event.said.removeprefix('Error creating: ')}"
    evidence = fact(f"job {case.job.name}", f"event {FAILED_CREATE}", event.said, event.at)
    first = _first(denied) or since
    return find(meaning.code, "10", says, cause=meaning.cause, message=event.said, since=first, evidence=(evidence,))


def labels_are_missing(case: Case) -> NotYet | None:
    """Rule 10: the Job counts pods, and none is in view: they lack our label."""
    if case.pods or case.job is None or says_nothing_of_pods(case.job) or case.success or case.failure:
        return None
    since = started_without_pod(case)
    until = later(since, NEVER_A_POD) if since else case.now
    if case.now < until or case.snapshot.is_dump:
        return NotYet(why="The Job counts pods, and none of them is in view.", until=until, warnings=("pods_unseen",))
    why = "The Job counts pods, and none is in view: the pod template lacks the label eightbells.io/dispatch."
    return NotYet(why=why, until=case.now, look=("pods",), warnings=("template_without_label",))


def started_without_pod(case: Case) -> datetime | None:
    """Return from when a Job without any pod is counted: the first FailedCreate, else its start or creation."""
    if case.job is None:
        return None
    job = case.job
    return _first(case.about_job(FAILED_CREATE)) or job.says.start_time or job.metadata.creation_timestamp


def _first(events: tuple[Event, ...]) -> datetime | None:
    return min((event.since for event in events if event.since), default=None)
