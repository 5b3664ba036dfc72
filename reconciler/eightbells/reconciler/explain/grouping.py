"""Which objects of a dump belong together: a snapshot for each Job, and for each pod whose Job is not there."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar

from eightbells.reconciler.events import Event
from eightbells.reconciler.explain.reading import Dump
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.snapshot import Sighting, Snapshot
from msgspec import Struct

Known = TypeVar("Known", Job, Pod)

JOB_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = ("batch.kubernetes.io/job-name", "job-name")


class Subject(Struct, frozen=True, kw_only=True):
    """What is explained: a Job, or the pods of one that is not there. `missing` names what would tell more; `is_live`:
    it was read from a cluster, and what is missing is gone, or not to be read.
    """

    namespace: str
    job: str | None
    uid: str | None
    snapshot: Snapshot
    missing: tuple[str, ...] = ()
    is_live: bool = False


def find_subjects(dump: Dump) -> list[Subject]:
    """Return every Job of the dump, and the pods that belong to none of them."""
    index = Index(dump)
    subjects = [_of_job(dump, index, job) for job in _newest(dump.jobs)]
    known = {_key(one.pod) for subject in subjects for one in subject.snapshot.pods}
    groups: dict[object, list[Pod]] = {}
    for pod in _newest(dump.pods):
        if _key(pod) not in known:
            groups.setdefault(job_uid(pod) or _key(pod), []).append(pod)
    subjects += [_of_pods(dump, index, pods) for pods in groups.values()]
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


def controlling_job(raw: dict[str, Any]) -> bool:
    """Whether an object, as it stands in an answer of the API, belongs to a Job."""
    metadata = raw.get("metadata")
    owners = metadata.get("ownerReferences") if isinstance(metadata, dict) else None
    return any(isinstance(one, dict) and one.get("kind") == "Job" for one in owners or ())


def _of_job(dump: Dump, index: "Index", job: Job) -> Subject:
    pods = index.pods_of(job)
    return Subject(
        namespace=job.metadata.namespace or "default",
        job=job.name,
        uid=job.uid or None,
        snapshot=_snapshot(dump, job, pods, index.events_of(job, pods)),
        missing=(*(() if dump.pods else ("pods",)), *(() if dump.events else ("events",))),
    )


def _of_pods(dump: Dump, index: "Index", pods: list[Pod]) -> Subject:
    return Subject(
        namespace=pods[0].metadata.namespace or "default",
        job=job_name(pods[0]),
        uid=job_uid(pods[0]) or pods[0].uid or None,
        snapshot=_snapshot(dump, None, pods, tuple(event for pod in pods for event in index.about_pod(pod))),
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
    return list({_key(thing): thing for thing in things}.values())


def _key(thing: Job | Pod) -> object:
    return thing.uid or (thing.metadata.namespace, thing.name)


class Index:
    """The pods of a dump by their Job, and its Events by what they are about: a namespace may have thousands."""

    def __init__(self, dump: Dump) -> None:
        self._pods: dict[object, list[Pod]] = defaultdict(list)
        self._events: dict[tuple[str | None, str, str], list[Event]] = defaultdict(list)
        self._named_after: dict[tuple[str, str], set[str]] = defaultdict(set)
        for pod in _newest(dump.pods):
            namespace = pod.metadata.namespace or "default"
            self._pods[job_uid(pod) or (namespace, job_name(pod))].append(pod)
        for event in dump.events:
            self._add(event)

    def _add(self, event: Event) -> None:
        about = event.involved_object
        namespace, name = about.namespace or "default", about.name or ""
        self._events[about.kind, namespace, name].append(event)
        if about.kind == "Pod":
            stem = name.rpartition("-")[0]  # of an Indexed Job the index is between
            for job in (stem, stem.rpartition("-")[0]):
                self._named_after[namespace, job].add(name)

    def pods_of(self, job: Job) -> list[Pod]:
        """The pods that the Job made, by its UID; by its name those that know no UID."""
        namespace = job.metadata.namespace or "default"
        mine = self._pods.get(job.uid, []) if job.uid else []
        known = [pod for pod in mine if (pod.metadata.namespace or "default") == namespace]
        return [*known, *self._pods.get((namespace, job.name), [])]

    def about_pod(self, pod: Pod) -> list[Event]:
        """The Events about a pod."""
        events = self._events.get(("Pod", pod.metadata.namespace or "default", pod.name), [])
        return [event for event in events if event.is_about("Pod", pod.name, pod.uid)]

    def events_of(self, job: Job, pods: list[Pod]) -> tuple[Event, ...]:
        """The Events about a Job, its pods, and the pods that it made and that are gone."""
        namespace, seen = job.metadata.namespace or "default", {pod.name for pod in pods}
        own = [
            one for one in self._events.get(("Job", namespace, job.name), []) if one.is_about("Job", job.name, job.uid)
        ]
        gone = [name for name in sorted(self._named_after.get((namespace, job.name), ())) if name not in seen]
        lost = [one for name in gone if job.may_have_made(name) for one in self._events["Pod", namespace, name]]
        return (*own, *(event for pod in pods for event in self.about_pod(pod)), *lost)
