"""Event objects: best effort, and gone after an hour. They explain and tell apart, they never trigger.

A rule names the reasons that it reads. Times are the newest that an Event has; the scheduler's have only `eventTime`.
"""

from collections.abc import Iterable
from datetime import datetime

from eightbells.reconciler.parts import Metadata, Time
from msgspec import Struct


class Reference(Struct, frozen=True, rename="camel"):
    """What the Event is about."""

    kind: str | None = None
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


class Series(Struct, frozen=True, rename="camel"):
    """That it was said again and again."""

    last_observed_time: Time | None = None


class Event(Struct, frozen=True, rename="camel"):
    """An Event of the core group, as `kubectl get events` shows it."""

    metadata: Metadata = Metadata()
    involved_object: Reference = Reference()
    reason: str | None = None
    message: str | None = None
    first_timestamp: Time | None = None
    last_timestamp: Time | None = None
    event_time: Time | None = None
    series: Series | None = None

    @property
    def at(self) -> datetime | None:
        """When it was last said."""
        series = self.series or Series()
        return series.last_observed_time or self.last_timestamp or self.event_time or self.since

    @property
    def since(self) -> datetime | None:
        """When it was first said."""
        return self.first_timestamp or self.event_time or self.metadata.creation_timestamp

    @property
    def said(self) -> str:
        """The message, or nothing."""
        return self.message or ""

    def is_about(self, kind: str, name: str, uid: str = "") -> bool:
        """Whether it is about this object, and not an earlier one of that name."""
        about = self.involved_object
        return about.kind == kind and about.name == name and not (uid and about.uid and about.uid != uid)


def newest(events: Iterable[Event], *reasons: str) -> Event | None:
    """Return the newest Event with one of the reasons, or of all."""
    found = [event for event in events if not reasons or event.reason in reasons]
    return max(found, key=lambda event: event.at.timestamp() if event.at else 0.0, default=None)


def is_later(event: Event | None, other: Event | None) -> bool:
    """Whether the first was said after the second, or without it."""
    if event is None:
        return False
    return other is None or not (event.at and other.at) or event.at > other.at
