"""A clock that a test sets."""


class Clock:
    """Seconds, of our monotonic clock."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now
