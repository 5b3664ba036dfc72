"""What was seen of every Job and pod that is ours, by UID: a name with a new UID is another object.

Informers put, a worker takes snapshots and settles what has ended; any thread may call anything. What was gone stays,
for it tells how it ended, until its Job is settled or ten thousand others are gone. Whoever puts gets the UIDs of the
Jobs for which something has changed that a rule reads.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import datetime

from eightbells.reconciler.informer.clock import ClusterClock
from eightbells.reconciler.informer.entry import Entry
from eightbells.reconciler.informer.indexes import Index
from eightbells.reconciler.informer.owners import owner_of
from eightbells.reconciler.informer.packing import pack_job, pack_pod
from eightbells.reconciler.informer.settlement import Settlement
from eightbells.reconciler.informer.sight import Sight
from eightbells.reconciler.informer.tombs import Tombs
from eightbells.reconciler.informer.views import Views
from eightbells.reconciler.marks import dispatch_of
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.snapshot import Snapshot
from msgspec import Struct


class Sizes(Struct, frozen=True):
    """How much there is: `gone` of the jobs and pods are tombstones, `dropped` had to make room."""

    jobs: int
    pods: int
    settled: int
    gone: int
    dropped: int


class Cache:
    """Times are the API server's, by `clock`; `views` say how fresh they are."""

    def __init__(self, clock: ClusterClock) -> None:
        self.clock = clock
        self.views = Views(clock)
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._pods: dict[str, Sight] = {}
        self._job_names = Index()
        self._pod_names = Index()
        self._dispatches = Index()
        self._settlement = Settlement(clock.monotonic)
        self._tombs = Tombs()

    # What a worker asks.

    def snapshot(self, job_uid: str) -> Snapshot:
        """Return what is known of a Job, without bus, look, Events and Nodes; of a settled one nothing is."""
        with self._lock:
            entry = self._entries.get(job_uid)
            freshness = self.views.freshness(entry.namespace if entry else None)
            return entry.snapshot(freshness) if entry else Snapshot(freshness=freshness)

    def find(self, namespace: str, name: str) -> str | None:
        """Return the UID of the Job that has that name now, or had it last."""
        with self._lock:
            return next(iter(self._job_names.get(f"{namespace}/{name}")), None)

    def of_dispatch(self, dispatch: str) -> tuple[str, ...]:
        """Return the UIDs of the Jobs of a dispatch; there is one, unless somebody has copied it."""
        with self._lock:
            return self._dispatches.get(dispatch)

    def uids(self, scope: str = "") -> list[str]:
        """Return the UIDs of all Jobs (of a namespace) that are not settled; some are known by their pods alone."""
        with self._lock:
            return [uid for uid, one in self._entries.items() if scope in {"", one.namespace}]

    def settle(self, job_uid: str) -> None:
        """Forget all of a Job but that it is settled: its dispatch has ended."""
        with self._lock:
            entry = self._entries.get(job_uid)
            self._settlement.add(entry.namespace if entry else "", job_uid)
            if entry and entry.gone_at:
                self._settlement.leave(entry.namespace, job_uid)
            if entry:
                self._drop_entry(entry)

    def is_settled(self, job_uid: str) -> bool:
        """Whether a Job is settled."""
        with self._lock:
            return self._settlement.has(job_uid)

    def forget_settled(self) -> None:
        """Forget what was settled; what it was, only a new list tells. Until then a Job may be in view without the pods
        that it had, so nothing is taken for listed.
        """
        with self._lock:
            self._settlement.clear()
            self.views.begin_anew()

    def sizes(self) -> Sizes:
        """Return how much there is."""
        with self._lock:
            jobs = sum(one.packed is not None for one in self._entries.values())
            return Sizes(jobs, len(self._pods), len(self._settlement), len(self._tombs), self._tombs.dropped)

    # What an informer tells.

    def wants(self, namespace: str, job_uid: str) -> bool:
        """Whether anything that is put for this Job can still matter."""
        with self._lock:
            return not self._settlement.holds(namespace, job_uid)

    def put_job(self, job: Job, *, is_gone: bool = False) -> list[str]:
        """Take in a sight of a Job; of one that `is_gone`, only if it is known. Raises as `pack_job` does."""
        namespace = job.metadata.namespace or ""
        packed = pack_job(job) if self.wants(namespace, job.uid) else b""
        with self._lock:
            if not packed or self._settlement.holds(namespace, job.uid):
                return []
            if is_gone and job.uid not in self._entries:
                return []
            entry = self._entry_of(job.uid, namespace)
            if entry.is_there and entry.packed == packed:
                return []
            changed = self._take_name(entry, f"{namespace}/{job.name}")
            self._file(entry, dispatch_of(job))
            entry.packed, entry.gone_at, entry.seen_at = packed, None, None
            self._tombs.discard(job.uid)
            return [*changed, job.uid]

    def put_pod(self, pod: Pod, *, is_gone: bool = False) -> list[str]:
        """Take in a sight of a pod; of one that `is_gone`, only if something is known of it or its Job."""
        namespace = pod.metadata.namespace or ""
        theirs = owner_of(pod.metadata.owner_references, pod.metadata.labels)
        packed = pack_pod(pod) if self.wants(namespace, theirs) else b""
        with self._lock:
            known = self._pods.get(pod.uid)
            owner = known.owner if known else theirs  # an orphan is still his who had it
            if not packed or not owner or self._settlement.holds(namespace, owner):
                return []
            if is_gone and not known and owner not in self._entries:
                return []
            if known and known.packed == packed and not known.gone_at:
                return []
            return [*self._see(pod, packed, known, owner), owner]

    def remove_job(self, namespace: str, uid: str, seen_at: datetime | None = None) -> list[str]:
        """Take in that a Job is no longer there, though it was at `seen_at`: until now, where nobody says."""
        with self._lock:
            self._settlement.leave(namespace, uid)
            entry = self._entries.get(uid)
            return self._bury_job(entry, seen_at) if entry and entry.is_there else []

    def remove_pod(self, uid: str) -> list[str]:
        """Take in that a pod is no longer there."""
        with self._lock:
            sight = self._pods.get(uid)
            return self._bury_pod(sight) if sight and not sight.gone_at else []

    def keep_jobs(self, scope: str, listed: Mapping[str, Set[str]], seen_at: datetime | None) -> list[str]:
        """Take in a complete list of a scope's Jobs, by namespace: those that are not in it are gone."""
        with self._lock:
            self._settlement.retain(scope, listed)
            lost = [
                one
                for one in self._entries.values()
                if one.is_there and scope in {"", one.namespace} and one.uid not in listed.get(one.namespace, ())
            ]
            return [uid for one in lost for uid in self._bury_job(one, seen_at)]

    def keep_pods(self, scope: str, listed: Mapping[str, Set[str]]) -> list[str]:
        """Take in a complete list of a scope's pods."""
        with self._lock:
            lost = [one for one in self._living(scope) if one.uid not in listed.get(one.name.partition("/")[0], ())]
            return [uid for one in lost for uid in self._bury_pod(one)]

    # All of the below with the lock.

    def _living(self, scope: str) -> Iterator[Sight]:
        return (one for one in self._pods.values() if not one.gone_at and scope in {"", one.name.partition("/")[0]})

    def _entry_of(self, uid: str, namespace: str) -> Entry:
        entry = self._entries.get(uid)
        if entry is None:
            entry = self._entries[uid] = Entry(uid, namespace)
        return entry

    def _see(self, pod: Pod, packed: bytes, known: Sight | None, owner: str) -> list[str]:
        now = self.clock.now()
        if known:
            known.update(pod, packed, now)
            if known.gone_at:
                known.gone_at = None
                self._tombs.discard(pod.uid)
                self._pod_names.set(known.name, pod.uid)
            return []
        namespace = pod.metadata.namespace or ""
        name = f"{namespace}/{pod.name}"
        changed = [uid for one in self._pod_names.get(name) for uid in self._bury_pod(self._pods[one])]
        begun = now if self.views.freshness(namespace).is_synced else None
        sight = self._pods[pod.uid] = Sight(pod.uid, owner, name, pod, packed, begun_at=begun)
        self._pod_names.set(name, pod.uid)
        entry = self._entry_of(owner, namespace)
        entry.pods[pod.uid] = sight
        if entry.packed is None:
            self._file(entry, dispatch_of(pod))
        return changed

    def _take_name(self, entry: Entry, key: str) -> list[str]:
        """Give a Job its name, and take it from whoever had it: he is gone."""
        if entry.key == key and entry.is_there:
            return []
        before = [self._entries[uid] for uid in self._job_names.get(key) if uid != entry.uid]
        changed = [uid for one in before if one.is_there for uid in self._bury_job(one, None)]
        self._job_names.set(key, entry.uid)
        entry.key = key
        return changed

    def _file(self, entry: Entry, dispatch: str | None) -> None:
        if entry.dispatch == dispatch:
            return
        if entry.dispatch:
            self._dispatches.remove(entry.dispatch, entry.uid)
        if dispatch:
            self._dispatches.add(dispatch, entry.uid)
        entry.dispatch = dispatch

    def _bury_job(self, entry: Entry, seen_at: datetime | None) -> list[str]:
        entry.gone_at = self.clock.now()
        entry.seen_at = seen_at or entry.gone_at
        self._tombs.add(entry.uid)
        self._make_room()
        return [entry.uid]

    def _bury_pod(self, sight: Sight) -> list[str]:
        sight.gone_at = self.clock.now()
        self._pod_names.remove(sight.name, sight.uid)
        self._tombs.add(sight.uid)
        self._make_room()
        return [sight.owner]

    def _make_room(self) -> None:
        for uid in self._tombs.overflow():
            if uid in self._entries:
                self._drop_entry(self._entries[uid])
            elif uid in self._pods:
                self._drop_pods([self._pods[uid]])

    def _drop_entry(self, entry: Entry) -> None:
        self._drop_pods(list(entry.pods.values()))
        self._job_names.remove(entry.key, entry.uid)
        self._file(entry, None)
        self._tombs.discard(entry.uid)
        self._entries.pop(entry.uid, None)

    def _drop_pods(self, pods: Iterable[Sight]) -> None:
        for one in pods:
            del self._pods[one.uid]
            self._pod_names.remove(one.name, one.uid)
            self._tombs.discard(one.uid)
            entry = self._entries[one.owner]
            del entry.pods[one.uid]
            if not entry.pods and entry.packed is None:
                self._file(entry, None)
                del self._entries[one.owner]
