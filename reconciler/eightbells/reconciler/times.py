"""Arithmetic on times that may be absent, and never an overflow: any object of the API may hold any time."""

from datetime import UTC, datetime, timedelta

END = datetime.max.replace(tzinfo=UTC)
START = datetime.min.replace(tzinfo=UTC)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The kubelet's startedAt of a container that never started (StartError)."""


def later(moment: datetime, seconds: float) -> datetime:
    """Return the moment so many seconds later (earlier, where negative), within what a datetime can hold."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return END if seconds > 0 else START


def between(earlier: datetime, moment: datetime) -> float:
    """Return the seconds from one to the other."""
    return (moment - earlier).total_seconds()


def timestamp(moment: datetime | None) -> str | None:
    """Return RFC 3339 in UTC, with fractions only where there are some."""
    if moment is None:
        return None
    text = in_utc(moment).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC; at either end of the calendar there may be no such date."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return END if moment.year > 1 else START


def moment_of(text: str | None) -> datetime | None:
    """Return the moment that RFC 3339 text names, in UTC where it names no zone; None for any other text, because what
    a command left behind may be any.
    """
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def duration(seconds: float) -> str:
    """Return a span for people: `0.4 s`, `14 s`, `3 min 5 s`, `2 h 4 min`, `3 d 2 h`."""
    if seconds < 10:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{whole} s"
