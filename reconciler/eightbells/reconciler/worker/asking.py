"""What a decision may need somebody to ask the API for, and the answers as part of the snapshot. No watch gives these.

Each costs a request for an ending that rests on absence or on Events, and none for a dispatch that is merely open. What
we may not read is asked for once in vain, and said; the decision is then made without it.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, Protocol, TypeVar
from urllib.parse import quote

import msgspec
from eightbells.reconciler.case import made_at
from eightbells.reconciler.events import Event
from eightbells.reconciler.informer.errors import Forbidden, NotFound, Unavailable
from eightbells.reconciler.objects import Job, Node, Pod
from eightbells.reconciler.parts import Thing
from eightbells.reconciler.snapshot import Look, Sighting, Snapshot
from eightbells.reconciler.verdict import Asked
from msgspec.structs import replace

_log = logging.getLogger(__name__)

PODS = 8
"""The newest pods whose Events are asked for: a Job of a thousand pods is judged by those that failed last."""

PAGE = "500"

IsThere = Literal["present", "terminating"]
T = TypeVar("T")


class Reading(Protocol):
    """A way to the API; errors are those of the informer."""

    def get(self, path: str, params: Mapping[str, str] | None = None) -> bytes:
        """Return the answer's body."""


class _Items(msgspec.Struct):
    items: list[msgspec.Raw] | None = None


class Asker:
    """Asks, and remembers what it may not."""

    def __init__(self, connection: Reading) -> None:
        self._connection = connection
        self._refused: set[str] = set()

    def complete(self, snapshot: Snapshot, asked: Iterable[Asked], place: tuple[str, str], now: datetime) -> Snapshot:
        """Return the snapshot with the answers. `place` is namespace and name of its Job."""
        for what in asked if all(place) else ():
            match what:
                case "job":
                    snapshot = replace(snapshot, look=self._look(*place, now))
                case "pods":
                    snapshot = self._with_pods(snapshot, place[0], now)
                case "events":
                    snapshot = replace(snapshot, events=self._events(snapshot, *place))
                case "node":
                    snapshot = replace(snapshot, nodes=self._nodes(snapshot))
        return snapshot

    def find_job(self, namespace: str, name: str) -> Job | None:
        """Return the Job of that name; None where there is none."""
        try:
            body = self._connection.get(f"/apis/batch/v1/namespaces/{quote(namespace)}/jobs/{quote(name)}")
        except NotFound:
            return None
        return _decoded(body, Job)

    def _look(self, namespace: str, name: str, now: datetime) -> Look:
        job = self.find_job(namespace, name)
        uid = job.uid if job else ""
        return Look(at=now, job=_state(job) if job else "gone", uid=uid, namespace=self._namespace(namespace))

    def _namespace(self, name: str) -> IsThere | Literal["gone", "unknown"]:
        try:
            body = self._read(f"/api/v1/namespaces/{quote(name)}")
        except NotFound:
            return "gone"
        return "unknown" if body is None else _state(_decoded(body, Thing))

    def _with_pods(self, snapshot: Snapshot, namespace: str, now: datetime) -> Snapshot:
        """One LIST by controller-uid: pods that lack our label, or that the watch has not shown yet."""
        if snapshot.job is None:
            return snapshot
        selector = f"batch.kubernetes.io/controller-uid={snapshot.job.uid}"
        body = self._connection.get(f"/api/v1/namespaces/{quote(namespace)}/pods", {"labelSelector": selector})
        known = {one.pod.uid: one for one in snapshot.pods}
        for pod in _listed(body, Pod):
            known[pod.uid] = replace(known[pod.uid], pod=pod) if pod.uid in known else Sighting(pod=pod)
        freshness = replace(snapshot.freshness, pods_at=now)
        return replace(snapshot, pods=tuple(known.values()), freshness=freshness)

    def _events(self, snapshot: Snapshot, namespace: str, name: str) -> tuple[Event, ...]:
        pods = sorted((one.pod for one in snapshot.pods), key=made_at)[-PODS:]
        found: list[Event] = []
        for kind, about in (("Job", name), *(("Pod", pod.name) for pod in pods)):
            fields = f"involvedObject.kind={kind},involvedObject.name={about}"
            params = {"fieldSelector": fields, "limit": PAGE}
            if body := self._read(f"/api/v1/namespaces/{quote(namespace)}/events", params):
                found += _listed(body, Event)
        return tuple(found)

    def _nodes(self, snapshot: Snapshot) -> tuple[Node, ...]:
        found: list[Node] = []
        for name in {one.pod.wants.node_name for one in snapshot.pods} - {None, ""}:
            try:
                body = self._read(f"/api/v1/nodes/{quote(name or '')}")
            except NotFound:
                continue
            if body:
                found.append(_decoded(body, Node))
        return tuple(found)

    def _read(self, path: str, params: Mapping[str, str] | None = None) -> bytes | None:
        """Return what is there, or None where we may not read it, which is said once for each kind of object."""
        kind = "events" if path.endswith("/events") else path.split("/")[3]
        if kind == "nodes" and kind in self._refused:
            return None
        try:
            return self._connection.get(path, params)
        except Forbidden as error:
            if kind not in self._refused:
                extra = {"action": "may_not_read", "kind": kind, "error": str(error)}
                _log.warning("decides without what it may not read", extra=extra)
            self._refused.add(kind)
            return None


def _state(thing: Thing) -> IsThere:
    return "terminating" if thing.metadata.deletion_timestamp else "present"


def _listed(body: bytes, kind: type[T]) -> list[T]:
    """The objects of a list; one that cannot be read is left out."""
    found: list[T] = []
    for raw in _decoded(body, _Items).items or ():
        try:
            found.append(msgspec.json.decode(raw, type=kind))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unavailable(f"an answer of the API is no {kind.__name__}: {error}") from None
