"""All that is known of one dispatch at one moment, as one frozen value: what `classify` decides on, and nothing else.

None means "not asked" or "never seen", an empty value means "asked, and there is none".
"""

from typing import Literal

from eightbells.events.schema import Data
from eightbells.reconciler.events import Event
from eightbells.reconciler.objects import Job, Node, Pod
from eightbells.reconciler.parts import Time
from msgspec import Struct


class Sighting(Struct, frozen=True, kw_only=True):
    """A pod of the dispatch. `pod` is the last that was seen of it, `before` the most telling that was seen before its
    deletion. `deleted_at`: when that was asked for, as it was first seen: the kubelet's own last DELETE moves it on.
    `gone_at`: the object is no longer there. `waiting_since`: when what it waits for was first seen, where we watched
    it begin.
    """

    pod: Pod
    before: Pod | None = None
    deleted_at: Time | None = None
    gone_at: Time | None = None
    waiting_since: Time | None = None

    @property
    def sights(self) -> tuple[Pod, ...]:
        """What was seen of it, newest first."""
        return (self.pod, self.before) if self.before else (self.pod,)


class Freshness(Struct, frozen=True, kw_only=True):
    """How old the views of Jobs and Pods are: when each last had a complete line (or list), and after what silence, in
    seconds, nothing may rest on what is not there.
    """

    is_synced: bool = True
    jobs_at: Time | None = None
    pods_at: Time | None = None
    silence: float = 120.0


class Look(Struct, frozen=True, kw_only=True):
    """What one confirming GET of the Job, and of its namespace, said."""

    at: Time
    job: Literal["present", "terminating", "gone"]
    uid: str = ""
    namespace: Literal["present", "terminating", "gone", "unknown"] = "unknown"


class Bus(Struct, frozen=True, kw_only=True):
    """What the bus's record says; `newest` is the document of the newest attempt, `beat_until` how long the last
    heartbeat lives.
    """

    dispatch: str
    seq: int = 0
    is_ended: bool = False
    job_uid: str = ""
    cancelled_at: Time | None = None
    create_before: Time | None = None
    deadline: Time | None = None
    beat_until: Time | None = None
    newest: Data | None = None


class Snapshot(Struct, frozen=True, kw_only=True):
    """One dispatch. `job` is the last that was seen of it (at `job_seen_at`), `job_gone_at` when it was no longer
    there. Without `events` or `nodes` nobody has asked for them. `is_dump`: objects that were read once, from a file
    or a cluster, where nobody looks again; of a cluster `look` may be there too.
    """

    job: Job | None = None
    job_seen_at: Time | None = None
    job_gone_at: Time | None = None
    pods: tuple[Sighting, ...] = ()
    events: tuple[Event, ...] | None = None
    nodes: tuple[Node, ...] | None = None
    bus: Bus | None = None
    look: Look | None = None
    freshness: Freshness = Freshness()
    is_dump: bool = False
