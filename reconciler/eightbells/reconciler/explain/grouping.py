"""Which objects of a dump belong together: a snapshot for each Job, and for each pod whose Job is not there."""

from collections.abc import Iterable
from typing import TypeVar

from eightbells.reconciler.events import Event
from eightbells.reconciler.explain.reading import Dump
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.snapshot import Sighting, Snapshot
from msgspec import Struct

Known = TypeVar("Known", Job, Pod)

JOB_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = ("batch.kubernetes.io/job-name", "job-name")


class Subject(Struct, frozen=True, kw_only=True):
    """What is explained: a Job, or the pods of one that is not in the dump. `missing` names what would tell more."""

    namespace: str
    job: str | None
    uid: str | None
    snapshot: Snapshot
    missing: tuple[str, ...] = ()


def find_subjects(dump: Dump) -> list[Subject]:
    """Return every Job of the dump, and the pods that belong to none of them."""
    subjects = [_of_job(dump, job) for job in _newest(dump.jobs)]
    known = {one.pod.uid or one.pod.name for subject in subjects for one in subject.snapshot.pods}
    orphans = [pod for pod in _newest(dump.pods) if (pod.uid or pod.name) not in known]
    groups: dict[str, list[Pod]] = {}
    for pod in orphans:
        groups.setdefault(job_uid(pod) or pod.uid or pod.name, []).append(pod)
    subjects += [_of_pods(dump, pods) for pods in groups.values()]
    if not subjects:
        subjects = [_of_events(dump, event) for event in {e.involved_object.name: e for e in dump.events}.values()]
    return subjects


def job_uid(pod: Pod) -> str | None:
    """Return the UID of the Job that made a pod, by its owner, else by its label."""
    owner = pod.controller
    if owner:
        return owner.uid if owner.kind == "Job" else None
    return (pod.metadata.labels or {}).get(JOB_UID)


def job_name(pod: Pod) -> str | None:
    """Return the name of the Job that made a pod."""
    owner = pod.controller
    if owner:
        return owner.name if owner.kind == "Job" else None
    labels = pod.metadata.labels or {}
    return next((labels[name] for name in JOB_NAME if labels.get(name)), None)


def _of_job(dump: Dump, job: Job) -> Subject:
    mine = [pod for pod in _newest(dump.pods) if _belongs(pod, job)]
    about = tuple(event for event in dump.events if _is_about(event, job, mine))
    is_told = bool(dump.pods)
    return Subject(
        namespace=job.metadata.namespace or "default",
        job=job.name,
        uid=job.uid or None,
        snapshot=_snapshot(dump, job, mine, about),
        missing=(*(() if is_told else ("pods",)), *(() if dump.events else ("events",))),
    )


def _of_pods(dump: Dump, pods: list[Pod]) -> Subject:
    about = tuple(event for event in dump.events if any(event.is_about("Pod", pod.name, pod.uid) for pod in pods))
    return Subject(
        namespace=pods[0].metadata.namespace or "default",
        job=job_name(pods[0]),
        uid=job_uid(pods[0]) or pods[0].uid or None,
        snapshot=_snapshot(dump, None, pods, about),
        missing=("job",) if dump.events else ("job", "events"),
    )


def _of_events(dump: Dump, event: Event) -> Subject:
    about = event.involved_object
    return Subject(
        namespace=about.namespace or "default",
        job=about.name if about.kind == "Job" else None,
        uid=about.uid,
        snapshot=_snapshot(dump, None, [], dump.events),
        missing=("job", "pods"),
    )


def _snapshot(dump: Dump, job: Job | None, pods: list[Pod], events: tuple[Event, ...]) -> Snapshot:
    sightings = tuple(Sighting(pod=pod) for pod in pods)
    return Snapshot(job=job, pods=sightings, events=events, nodes=dump.nodes, is_dump=True)


def _newest(things: Iterable[Known]) -> list[Known]:
    """The last that the dump has of each object: a watch shows one again and again."""
    return list({thing.uid or (thing.metadata.namespace, thing.name): thing for thing in things}.values())


def _belongs(pod: Pod, job: Job) -> bool:
    if (pod.metadata.namespace or "default") != (job.metadata.namespace or "default"):
        return False
    uid = job_uid(pod)
    return uid == job.uid if uid and job.uid else job_name(pod) == job.name


def _is_about(event: Event, job: Job, pods: list[Pod]) -> bool:
    """Whether an Event is about the Job or a pod that it made, one that is gone included."""
    about = event.involved_object
    if (about.namespace or "default") != (job.metadata.namespace or "default"):
        return False
    if about.kind == "Job":
        return event.is_about("Job", job.name, job.uid)
    name = about.name or ""
    if about.kind != "Pod":
        return False
    if any(pod.name == name for pod in pods):
        return any(event.is_about("Pod", pod.name, pod.uid) for pod in pods)
    return job.may_have_made(name)
