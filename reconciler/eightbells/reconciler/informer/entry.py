"""What the cache holds of one Job: the Job, packed, and its pods; or its pods alone, where nobody has seen the Job."""

from datetime import datetime

from eightbells.reconciler.informer.packing import unpack_job
from eightbells.reconciler.informer.sight import Sight
from eightbells.reconciler.snapshot import Freshness, Snapshot


class Entry:
    """Only the cache changes it, and holds its lock meanwhile. `key` is `namespace/name` of the Job, once it is known.

    `seen_at`: when a Job that is gone was last known to be there; one that is there is seen all the time.
    """

    __slots__ = ("dispatch", "gone_at", "key", "namespace", "packed", "pods", "seen_at", "uid")

    def __init__(self, uid: str, namespace: str) -> None:
        self.uid = uid
        self.namespace = namespace
        self.key = ""
        self.dispatch: str | None = None
        self.packed: bytes | None = None
        self.gone_at: datetime | None = None
        self.seen_at: datetime | None = None
        self.pods: dict[str, Sight] = {}

    @property
    def is_there(self) -> bool:
        """Whether the Job was seen and is not gone."""
        return self.packed is not None and self.gone_at is None

    def snapshot(self, freshness: Freshness) -> Snapshot:
        """Return it as the rules read it."""
        return Snapshot(
            job=unpack_job(self.packed) if self.packed else None,
            job_seen_at=self.seen_at if self.gone_at else (freshness.jobs_at if self.packed else None),
            job_gone_at=self.gone_at,
            pods=tuple(one.sighting() for one in self.pods.values()),
            freshness=freshness,
        )
