"""How fresh what we know is: for each resource of each scope, when its last line was complete, or its last list begun.

A scope is a namespace, or "" for the whole cluster.
"""

from datetime import datetime
from typing import Literal

from eightbells.reconciler.informer.clock import ClusterClock
from eightbells.reconciler.snapshot import Freshness

Kind = Literal["jobs", "pods"]

SILENCE = 120.0
"""Seconds without a complete line after which nothing rests on what is not there: two bookmarks, one a minute."""


class View:
    """One resource of one scope. Its own thread writes, others read; each is one assignment."""

    __slots__ = ("at", "is_listed")

    def __init__(self) -> None:
        self.at: float | None = None
        self.is_listed = False

    def listed(self, begun: float) -> None:
        """Note a complete list that was begun then, on the monotonic clock."""
        self.at = begun
        self.is_listed = True


class Views:
    """All of them."""

    def __init__(self, clock: ClusterClock) -> None:
        self.silence = SILENCE
        self._clock = clock
        self._views: dict[tuple[Kind, str], View] = {}

    def open(self, kind: Kind, scope: str) -> View:
        """Return the view of a resource of a scope, made when it is first asked for."""
        return self._views.setdefault((kind, scope), View())

    def begin_anew(self) -> None:
        """Take nothing for listed any more, until it is again."""
        for one in list(self._views.values()):
            one.is_listed = False

    def is_listed(self, scope: str) -> bool:
        """Whether Jobs and pods of a scope have both been listed once."""
        return self.open("jobs", scope).is_listed and self.open("pods", scope).is_listed

    @property
    def is_synced(self) -> bool:
        """Whether everything has been listed once."""
        return bool(self._views) and all(one.is_listed for one in self._views.values())

    def age(self) -> float:
        """Return the seconds since the oldest view was fresh; infinite before the first lists."""
        now = self._clock.monotonic()
        ages = [now - one.at if one.at is not None else float("inf") for one in self._views.values()]
        return max(ages, default=float("inf"))

    def freshness(self, namespace: str | None = None) -> Freshness:
        """Return how fresh the view of a namespace is; without one, that of the oldest."""
        scopes = {scope for _, scope in self._views if namespace is None or scope in {"", namespace}}
        jobs = [one for (kind, scope), one in self._views.items() if kind == "jobs" and scope in scopes]
        pods = [one for (kind, scope), one in self._views.items() if kind == "pods" and scope in scopes]
        return Freshness(
            is_synced=bool(jobs and pods) and all(one.is_listed for one in (*jobs, *pods)),
            jobs_at=self._oldest(jobs),
            pods_at=self._oldest(pods),
            silence=self.silence,
        )

    def _oldest(self, views: list[View]) -> datetime | None:
        at = [one.at for one in views]
        known = [one for one in at if one is not None]
        return self._clock.at(min(known)) if known and len(known) == len(at) else None
