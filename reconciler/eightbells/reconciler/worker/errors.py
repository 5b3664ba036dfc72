"""What can go wrong between the reconciler, its bus and its cluster.

WorkerError
├── BadOption      an option cannot be used
├── BusDown        the bus does not answer, or cannot now: what was to be done is done when it does
└── BusRefuses     the bus does not let us: waiting does not help
"""


class WorkerError(Exception):
    """The reconciler cannot do its work."""


class BadOption(WorkerError):
    """An option cannot be used; the message says which, and what would do."""


class BusDown(WorkerError):
    """The bus does not answer, or cannot now."""


class BusRefuses(WorkerError):
    """The bus does not let us: its ACL, or a password."""
