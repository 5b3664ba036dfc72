"""One place that makes clients of the server, with every time-out and retry said.

The library's defaults resend commands up to ten times, bare XADD included, and give up on a blocking read after
five seconds; here nothing is resent but what its caller knows to be safe.
"""

from typing import Any

import hiredis
import redis
import redis.asyncio
from eightbells.consumer.errors import BadOption
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,  # noqa: A004
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004
    TryAgainError,
)
from redis.retry import Retry

CONNECT_SECONDS = 5.0
REPLY_SECONDS = 15.0
"""Longer than the longest blocking read, so that a silent server is told from an idle one."""

BLOCK_SECONDS = 5.0
"""How long one blocking read waits."""

OUTAGES = (
    ConnectionError,
    TimeoutError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
"""Errors that another try later can cure: the server is away, starting, full, or somebody else's replica."""

BAD_URL = (
    "the server's URL cannot be used: write redis://user:password@host:6379/0, rediss://... or "
    "unix:///path/to/socket?db=0, with what is special in a password percent-encoded"
)

__all__ = [
    "BLOCK_SECONDS",
    "OUTAGES",
    "RedisError",
    "ResponseError",
    "connect",
    "connect_blocking",
    "is_outage",
]

_TIMES: dict[str, Any] = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": REPLY_SECONDS}


class Packed(AbstractConnection):
    """Packs commands in C: a batch has thousands of arguments, and the library's asyncio side packs them in Python."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """Return the command as it goes over the wire; the library names subcommands as one word with a space."""
        return [hiredis.pack_command((*args[0].split(" "), *args[1:]))]


class _Tcp(Packed, Connection):
    pass


class _Tls(Packed, SSLConnection):
    pass


class _Unix(Packed, UnixDomainSocketConnection):
    pass


_PACKED = {Connection: _Tcp, SSLConnection: _Tls, UnixDomainSocketConnection: _Unix}


def connect(url: str, *, connections: int = 16) -> "redis.asyncio.Redis":
    """Return an asyncio client of a `redis://`, `rediss://` or `unix://` URL; replies are bytes, nothing is resent.

    Raises `BadOption`, whose message never quotes the URL: it may hold a password.
    """
    try:
        pool = redis.asyncio.ConnectionPool.from_url(
            url, protocol=2, retry=AsyncRetry(NoBackoff(), 0), max_connections=connections, **_TIMES
        )
        pool.connection_class = _PACKED[pool.connection_class]
        pool.make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        raise BadOption(BAD_URL) from None
    return redis.asyncio.Redis.from_pool(pool)


def connect_blocking(url: str) -> "redis.Redis":
    """Return a blocking client, made as `connect` makes its own. Raises `BadOption`."""
    try:
        return redis.Redis.from_url(url, protocol=2, retry=Retry(NoBackoff(), 0), **_TIMES)
    except (ValueError, TypeError):
        raise BadOption(BAD_URL) from None


def is_outage(error: RedisError) -> bool:
    """Whether another try later can cure it; BUSY and UNBLOCKED have no class of their own. A password that is refused
    is none, though the library calls it a connection's error.
    """
    if isinstance(error, AuthenticationError):
        return False
    return isinstance(error, OUTAGES) or str(error).startswith(("BUSY ", "UNBLOCKED", "MISCONF", "NOREPLICAS"))
