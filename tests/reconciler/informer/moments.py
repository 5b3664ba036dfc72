"""A clock that a test sets, and the moments on it."""

from datetime import UTC, datetime, timedelta

from eightbells.reconciler.informer.clock import ClusterClock

START = datetime(2026, 11, 25, 10, tzinfo=UTC)


class Time:
    """Seconds since the start: of our monotonic clock, and of the API server's."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.clock = ClusterClock(lambda: self.seconds, lambda: START.timestamp() + self.seconds)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)
