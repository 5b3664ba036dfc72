"""What can go wrong when a dispatch is submitted or cancelled; each message says what, where, and the remedy.

DispatcherError
├── Refused          the dispatch cannot become a Job: field, size and limit
├── Conflict         another dispatch or a foreign Job has this id or name
├── Forbidden        the API does not let us (403), with its own message
│   └── QuotaExceeded  a ResourceQuota is used up (403)
├── Invalid          the API or an admission webhook refuses the object (400, 422)
├── Unavailable      the API or the bus cannot be reached, or answers that it cannot now
└── TooLate          the Job was not created within `create_before`; submitting again is safe
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


class Forbidden(DispatcherError):
    """The API does not let us; the message is its own."""


class QuotaExceeded(Forbidden):
    """A ResourceQuota of the namespace is used up."""


class Invalid(DispatcherError):
    """The API, or an admission webhook, refuses the object; the message is its own."""


class Unavailable(DispatcherError):
    """The API or the bus cannot be reached, or answers that it cannot do it now."""


class TooLate(DispatcherError):
    """The Job was not created in time; submitting again is safe."""
