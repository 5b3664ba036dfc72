"""What a live cluster has of one Job, or of a namespace, read once: Jobs before Pods, so that the pods are never older.

Jobs and Pods have to be readable. Events, the namespace and Nodes tell more where they are: what we may not read is
said, and is no failure.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from eightbells.reconciler.explain.grouping import JOB_NAME, Subject, controlling_job, find_subjects
from eightbells.reconciler.explain.reading import Broken, Dump, make_dump
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.errors import Expired, Forbidden, NotFound, Unavailable
from eightbells.reconciler.objects import Job
from eightbells.reconciler.snapshot import Look
from msgspec import Struct
from msgspec.structs import replace

PAGE = "500"

TRIES = 3
"""Of a list whose pages have expired while it was read."""

BY_TAINT = "DeletionByTaintManager"
"""Where nothing but the Node tells a lost one from a drained one."""


class NoSuchJob(NotFound):
    """There is no Job of that name, and nothing that is left of one."""


class NoSuchNamespace(NotFound):
    """There is no namespace of that name."""


class Reading(Struct, frozen=True, kw_only=True):
    """What was read. `state` is the namespace's; `unread` names the kinds that we may not read."""

    namespace: str
    dump: Dump
    state: str = "unknown"
    unread: tuple[str, ...] = ()

    def subjects(self) -> list[Subject]:
        """Return every Job, and the pods that are left of one; Events alone are nobody's."""
        found = find_subjects(self.dump)
        return [self._seen(subject) for subject in found if subject.snapshot.job or subject.snapshot.pods]

    def _seen(self, subject: Subject) -> Subject:
        job = subject.snapshot.job
        look = _look(job, self.state, self.dump) if job else None
        gone = () if job else ("job",)
        snapshot = replace(subject.snapshot, look=look)
        return replace(subject, snapshot=snapshot, missing=(*gone, *self.unread), is_live=True)


def read_job(connection: Connection, namespace: str, name: str) -> Reading:
    """Return what there is of one Job. Raises `NoSuchJob`, `NoSuchNamespace`, or what the connection does."""
    reader = _Reader(connection, namespace)
    job = reader.job(name)
    pods = reader.all_of("/api/v1", "pods", "Pod", {"labelSelector": _selector(job, name)})
    if job is None and not pods:
        reader.namespace()
        raise NoSuchJob(
            f'there is no Job "{name}" in the namespace "{namespace}", and no pod of one: '
            f"look with `kubectl -n {namespace} get jobs`, or name another namespace with -n"
        )
    return reader.read([*([job] if job else []), *pods])


def read_namespace(connection: Connection, namespace: str) -> Reading:
    """Return the Jobs of a namespace, and what is left of others. Raises as `read_job`."""
    reader = _Reader(connection, namespace)
    jobs = reader.all_of("/apis/batch/v1", "jobs", "Job")
    return reader.read([*jobs, *filter(controlling_job, reader.all_of("/api/v1", "pods", "Pod"))])


class _Reader:
    """One reading; it collects what may not be read."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace
        self._broken: list[Broken] = []
        self._unread: list[str] = []

    def read(self, objects: list[dict[str, Any]]) -> Reading:
        """Return these, with the namespace, its Events, and the Nodes that are needed."""
        state = self.namespace()
        events = self._allowed("events", lambda: self.all_of("/api/v1", "events", "Event"))
        nodes = self._nodes(objects)
        dump = make_dump([*objects, *events, *nodes], self._broken)
        now = self._connection.clock.now()
        return Reading(
            namespace=self._namespace, dump=replace(dump, newest=now), state=state, unread=tuple(self._unread)
        )

    def job(self, name: str) -> dict[str, Any] | None:
        """Return the Job, or None where there is none."""
        path = f"/apis/batch/v1/namespaces/{quote(self._namespace, safe='')}/jobs/{quote(name, safe='')}"
        try:
            return self._get(path) | {"kind": "Job"}
        except NotFound:
            return None

    def namespace(self) -> str:
        """Return the namespace's state. Raises `NoSuchNamespace`."""
        try:
            found = self._get(f"/api/v1/namespaces/{quote(self._namespace, safe='')}")
        except Forbidden:
            return "unknown"
        except NotFound:
            raise NoSuchNamespace(
                f'there is no namespace "{self._namespace}": look with `kubectl get namespaces`, and name one with -n'
            ) from None
        return "terminating" if _dict(found.get("metadata")).get("deletionTimestamp") else "present"

    def all_of(
        self, group: str, plural: str, kind: str, params: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Return all objects of a kind in the namespace, or those that are selected."""
        path = f"{group}/namespaces/{quote(self._namespace, safe='')}/{plural}"
        for last in range(TRIES):
            try:
                return [one | {"kind": kind} for one in self._pages(path, params or {})]
            except Expired:
                if last == TRIES - 1:
                    raise
        raise AssertionError("a list is read or raises")

    def _pages(self, path: str, params: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        more: dict[str, str] = {}
        while True:
            page = self._get(path, {"limit": PAGE, **params, **more})
            yield from (one for one in page.get("items") or () if isinstance(one, dict))
            if not (token := _dict(page.get("metadata")).get("continue")):
                return
            more = {"continue": str(token)}

    def _nodes(self, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The Nodes of pods that a taint took away; those that are gone are left out."""
        names = {name for one in objects if (name := _tainted_on(one))}
        return self._allowed("nodes", lambda: [node for name in sorted(names) if (node := self._node(name))])

    def _node(self, name: str) -> dict[str, Any] | None:
        try:
            return self._get(f"/api/v1/nodes/{quote(name, safe='')}") | {"kind": "Node"}
        except NotFound:
            return None

    def _allowed(self, kind: str, read: Any) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = read()
        except Forbidden as error:
            self._unread.append(kind)
            self._broken.append(Broken(kind, str(error)))
            return []
        return found

    def _get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        body = self._connection.get(path, params)
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            said = f"{error}: {body[:60].decode('utf-8', 'replace')!r}"
            raise Unavailable(f"GET {path}: what answers is no API server, but perhaps a proxy ({said})") from None


def _look(job: Job, namespace: str, dump: Dump) -> Look | None:
    state = "terminating" if job.metadata.deletion_timestamp else "present"
    said = {"at": dump.newest, "job": state, "uid": job.uid, "namespace": namespace}
    return msgspec.convert(said, Look) if dump.newest else None


def _selector(job: dict[str, Any] | None, name: str) -> str:
    """The Job's own labels; of one that is gone its name."""
    selector = _dict(_dict((job or {}).get("spec")).get("selector"))
    labels = _dict(selector.get("matchLabels")) or {JOB_NAME[0]: name}
    return ",".join(f"{label}={value}" for label, value in labels.items())


def _tainted_on(pod: dict[str, Any]) -> str | None:
    conditions = _dict(pod.get("status")).get("conditions") or ()
    is_tainted = any(_dict(one).get("reason") == BY_TAINT and _dict(one).get("status") == "True" for one in conditions)
    return _dict(pod.get("spec")).get("nodeName") if is_tainted else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
