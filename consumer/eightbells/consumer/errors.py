"""What can go wrong in a consumer.

ConsumerError
├── BadHandler   the handler named on the command line cannot be used
└── BadOption    an option has a value that cannot work
Retry            raised by a handler: try this ending again later
"""

LONGEST_DELAY = 7 * 24 * 60 * 60
"""Seconds: what waits longer than the retention is as good as forgotten."""


class ConsumerError(Exception):
    """A consumer cannot do what it was asked to; the message says why and what to change."""


class BadHandler(ConsumerError):
    """The handler cannot be imported, or is not something to call with one delivery."""


class BadOption(ConsumerError):
    """An option has a value that cannot work."""


class Retry(Exception):
    """Raised by a handler: give this ending back and deliver it again after `delay` seconds, a week at most.

    It counts as a try, as every failure does; without a delay the usual back-off applies.
    """

    def __init__(self, delay: float | None = None, reason: str = "the handler asked for another try") -> None:
        super().__init__(reason)
        if delay is not None and not 0 <= delay <= LONGEST_DELAY:
            raise ValueError(f"Retry({delay!r}): a delay is 0 to {LONGEST_DELAY} seconds")
        self.delay = delay
