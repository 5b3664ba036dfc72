"""The newest time that a dump speaks of: the moment of `explain`, because a dump of yesterday must not pass its graces
overnight.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import msgspec

FUTURE = frozenset({"deletionTimestamp", "renewTime"})
"""What lies ahead by design, or is not the object's own."""

PLACES = ("metadata", "status", "series", "firstTimestamp", "lastTimestamp", "eventTime")
"""Where objects hold times of their own; what is asked for (spec) may name any time."""


def newest_time(objects: Iterable[dict[str, Any]]) -> datetime | None:
    """Return the newest time in metadata, managedFields, conditions, states and Events."""
    found = [moment for one in objects for place in PLACES for moment in _times(place, one.get(place))]
    return max(found, default=None)


def read_time(value: object) -> datetime | None:
    """Return a time as JSON or YAML has it; None for anything else, and for a time without a zone."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if not isinstance(value, str):
        return None
    try:
        moment = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return None
    return moment if moment.tzinfo else None


def _times(name: str, value: Any, depth: int = 0) -> Iterator[datetime]:
    if isinstance(value, dict) and depth < 20:
        for key, member in value.items():
            if key not in {"annotations", "labels", "fieldsV1"}:
                yield from _times(str(key), member, depth + 1)
    elif isinstance(value, list) and depth < 20:
        for member in value:
            yield from _times(name, member, depth + 1)
    elif isinstance(value, str | date) and _is_time(name) and (moment := read_time(value)):
        yield moment


def _is_time(name: str) -> bool:
    return name not in FUTURE and name.lower().endswith(("time", "timestamp", "edat"))
