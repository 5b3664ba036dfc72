"""A server for somebody who has none: for a first try, a demonstration, a test.

`serve` takes the URL it is given, or else starts the first server program it finds, on a unix socket in a private
directory. Whoever asks for the same directory shares the same server, and it ends with the last of them, however that
one dies.
"""

from eightbells.consumer.embedded.errors import (
    BadDirectory,
    EmbeddedError,
    ServerNotFound,
    ServerNotStarted,
)
from eightbells.consumer.embedded.owner import Server, serve

__all__ = ["BadDirectory", "EmbeddedError", "Server", "ServerNotFound", "ServerNotStarted", "serve"]
