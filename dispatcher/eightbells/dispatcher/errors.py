"""What can go wrong when a dispatch is submitted or cancelled; each message says what, where, and the remedy.

DispatcherError
├── Refused, Invalid  the dispatch cannot become a Job: we say so, or the API (400, 404, 422) or its admission (any)
├── Conflict, Gone    another dispatch or a foreign Job has its id or name; its Job was created and is there no more
├── UnknownDispatch   the bus knows nothing of it
├── Forbidden         the API does not let us (401, 403); QuotaExceeded: a ResourceQuota is used up
├── Unavailable       API or bus do not answer, or cannot now; AnswerLost: it may have been done
├── TooLate           the Job was not created in time; submitting again is safe
└── Unexpected        a fault of ours, where many are submitted: it is the result of one and stops no other
"""


class DispatcherError(Exception):
    """A dispatch could not be submitted, cancelled or read."""


class Refused(DispatcherError):
    """The dispatch cannot become a Job. `field` is where, as a path."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class Conflict(DispatcherError):
    """Another dispatch or a foreign Job has this id or name."""


class Gone(DispatcherError):
    """The dispatch has not ended, its Job was created, and is there no more: it is not started twice."""


class UnknownDispatch(DispatcherError):
    """The bus knows nothing of the dispatch, or nothing any more."""


class Forbidden(DispatcherError):
    """The API does not let us; the message is its own."""


class QuotaExceeded(Forbidden):
    """A ResourceQuota of the namespace is used up."""


class Invalid(DispatcherError):
    """The API, or an admission webhook or policy, refuses the object; the message is its own."""


class Unavailable(DispatcherError):
    """The API or the bus cannot be reached, or cannot do it now; `retry_after` is seconds, where it says some."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AnswerLost(Unavailable):
    """A request may or may not have been done: its answer did not come."""


class TooLate(DispatcherError):
    """The Job was not created in time; submitting again is safe."""


class Unexpected(DispatcherError):
    """A fault of ours, or of a library; the message is its own, and submitting again is safe."""
