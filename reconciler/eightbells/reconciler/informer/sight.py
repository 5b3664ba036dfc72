"""What is remembered of one pod: the last sight of it, and what that sight no longer tells.

Deletion makes a pod forget: within a second its true reason turns to ContainerCreating, then to a made-up end. A pull
that fails says why at first and later only that it backs off. So the sight before is kept.
"""

import sys
from datetime import datetime

from eightbells.reconciler.containers import is_made_up, main_name, status_of, waits
from eightbells.reconciler.deletions import deleted_at
from eightbells.reconciler.informer.packing import unpack_pod
from eightbells.reconciler.messages import VAGUE, read_pull_error
from eightbells.reconciler.objects import ContainerStatus, Pod
from eightbells.reconciler.rules.pending import before_main
from eightbells.reconciler.snapshot import Sighting

PULL = frozenset({"ErrImagePull", "ImagePullBackOff"})
"""They alternate: one state, or its clock would start again for ever."""

TOLD, UNTOLD = "pull, told", "pull"

UNSCHEDULED = "no node"


class Sight:
    """A pod in the cache, packed. Only the cache changes it, and holds its lock meanwhile."""

    __slots__ = ("_before", "_deleted_at", "_state", "_waiting_since", "gone_at", "name", "owner", "packed", "uid")

    def __init__(self, uid: str, owner: str, name: str, pod: Pod, packed: bytes, *, begun_at: datetime | None) -> None:
        """Begin with a first sight; `begun_at` is now where we watch its states begin, and None at start-up."""
        self.uid = uid
        self.owner = owner
        self.name = name
        self.packed = packed
        self.gone_at: datetime | None = None
        self._before: bytes | None = None
        self._state = state_of(pod, main_name(pod.wants, pod))
        self._waiting_since = begun_at if self._state else None
        self._deleted_at = deleted_at(pod.metadata)

    def update(self, pod: Pod, packed: bytes, now: datetime) -> None:
        """Take in a newer sight of it."""
        main = main_name(pod.wants, pod)
        state = state_of(pod, main)
        if pod.metadata.deletion_timestamp and self._deleted_at is None:
            self._deleted_at = deleted_at(pod.metadata)
            self._before = self._before if self._state == UNTOLD and self._before else self.packed
        elif self._deleted_at is None:
            self._before = self._keep(status_of(pod, main), state)
        if _kind(state) != _kind(self._state):
            self._waiting_since = now if state else None
        self._state = state
        self.packed = packed

    def sighting(self) -> Sighting:
        """Return it as the rules read it."""
        return Sighting(
            pod=unpack_pod(self.packed),
            before=unpack_pod(self._before) if self._before else None,
            deleted_at=self._deleted_at,
            gone_at=self.gone_at,
            waiting_since=self._waiting_since,
        )

    def _keep(self, status: ContainerStatus, state: str) -> bytes | None:
        """Return the sight before this one where it tells more, or what was kept already."""
        if state == UNTOLD and self._state == TOLD:
            return self.packed
        if is_made_up(status):
            return self._before or self.packed
        return self._before if state == UNTOLD else None


def state_of(pod: Pod, main: str) -> str:
    """Return what main waits for, in a word; nothing where it does not."""
    scheduled = pod.condition("PodScheduled")
    if not (scheduled and scheduled.is_true) and not pod.wants.node_name:
        return UNSCHEDULED
    status = before_main(pod) or status_of(pod, main)
    waiting = waits(status)
    if waiting is None:
        return ""
    if waiting.reason in PULL:
        return UNTOLD if read_pull_error(waiting.message or "").cause == VAGUE else TOLD
    return _named(status, waiting.reason)


def _named(status: ContainerStatus, reason: str | None) -> str:
    return sys.intern(f"{status.name} {reason}")  # tens of thousands wait for the same


def _kind(state: str) -> str:
    return UNTOLD if state == TOLD else state
