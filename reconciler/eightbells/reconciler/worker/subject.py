"""What one item of the agenda is about: a Job that is in view, or a dispatch of which no Job is."""

from datetime import datetime
from hashlib import sha256
from typing import Protocol

from eightbells.events.contract.keys import BadName, check_dispatch
from eightbells.reconciler.marks import DISPATCH_ANNOTATION, DISPATCH_LABEL, dispatch_of
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.snapshot import Snapshot
from eightbells.reconciler.worker.agenda import Item
from eightbells.reconciler.worker.record import Record
from msgspec import Struct
from msgspec.structs import replace

DISPATCH = "dispatch:"
"""What the key of a dispatch begins with that has no Job in view; every other key is the UID of a Job."""


class View(Protocol):
    """What was seen of the cluster, by the UID of each Job."""

    def snapshot(self, uid: str) -> Snapshot:
        """Return all that is known of a Job, and how fresh the view is; of one that was never seen only that."""

    def of_dispatch(self, dispatch: str) -> tuple[str, ...]:
        """Return the UIDs of a dispatch's Jobs."""

    def is_settled(self, uid: str) -> bool:
        """Whether nothing is ever to come of a Job."""

    def settle(self, uid: str) -> None:
        """Forget a Job but for that."""


class Subject(Struct, frozen=True):
    """`snapshot` has nothing from the bus yet."""

    item: Item
    dispatch: str
    snapshot: Snapshot

    @property
    def key(self) -> str:
        """Its key on the agenda."""
        return self.item.key

    @property
    def uid(self) -> str:
        """The UID of its Job; '' where none is in view."""
        return "" if self.key.startswith(DISPATCH) else self.key

    def place(self, record: Record) -> tuple[str, str]:
        """Return namespace and name of its Job; '' where nobody knows."""
        job = self.snapshot.job
        if job:
            return job.metadata.namespace or "", job.name
        owners = [(one.pod.metadata.namespace, one.pod.controller) for one in self.snapshot.pods]
        namespace, owner = next(iter(owners), (None, None))
        return record.namespace or namespace or "", record.job or (owner.name if owner else None) or ""


def key_of(dispatch: str) -> str:
    """Return the key of a dispatch that has no Job in view."""
    return DISPATCH + dispatch


def find_subject(view: View, item: Item) -> Subject | None:
    """Return what an item is about; None where that is settled, or says no dispatch."""
    if item.key.startswith(DISPATCH):
        dispatch = item.key.removeprefix(DISPATCH)
        return None if view.of_dispatch(dispatch) else Subject(item, dispatch, view.snapshot(""))
    if view.is_settled(item.key):
        return None
    snapshot = view.snapshot(item.key)
    dispatches = [dispatch_of(thing) for thing in _things(snapshot)]
    known = next((one for one in dispatches if one), None)
    return Subject(item, known, snapshot) if known else None


def problem_of(subject: Subject, bus_namespace: str) -> str | None:
    """Return why a subject is none of ours: the label is the hash of bus namespace and id, so that a Job of another
    bus is passed over, and so is one that claims somebody else's id; None where it is ours.
    """
    try:
        check_dispatch(subject.dispatch)
    except BadName as error:
        return str(error)
    hashed = hash_of(bus_namespace, subject.dispatch)
    for thing in _things(subject.snapshot)[:1]:
        if thing.annotations.get(DISPATCH_ANNOTATION) and (thing.metadata.labels or {}).get(DISPATCH_LABEL) != hashed:
            return f"its label {DISPATCH_LABEL} is not {hashed}: it is of another bus namespace, or has another's id"
    return None


def hash_of(bus_namespace: str, dispatch: str) -> str:
    """Return the value of the label, as the dispatcher makes it."""
    return sha256(f"{bus_namespace}\0{dispatch}".encode()).hexdigest()[:32]


def _things(snapshot: Snapshot) -> list[Job | Pod]:
    return [*([snapshot.job] if snapshot.job else []), *(one.pod for one in snapshot.pods)]


def seen_with(subject: Subject, view: View, record: Record, now: datetime) -> Snapshot:
    """Return the snapshot with the record. Of a Job that was never seen its UID is known by its pods, or by the record,
    which leads to them.
    """
    bus, snapshot = record.as_seen_at(now), subject.snapshot
    if snapshot.job is None and subject.uid:
        bus = replace(bus, job_uid=bus.job_uid or subject.uid)
    elif snapshot.job is None and bus.job_uid:
        snapshot = view.snapshot(bus.job_uid)
    if snapshot.job is None and not snapshot.pods and not record.newest_is_last:
        bus = replace(bus, newest=None)  # a later run has left no word, and an earlier one's is not the dispatch's
    return replace(snapshot, bus=bus)
