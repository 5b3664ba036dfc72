"""The bus as the dispatcher uses it: register, cancel, read, publish. The scripts are safe to resend; errors are ours.

Nothing here quotes the server's URL, which may hold a password.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import redis
from eightbells.dispatcher.errors import Forbidden, Refused, Unavailable
from eightbells.dispatcher.record import Record, parse_record
from eightbells.events import reporting
from eightbells.events.contract import keys
from eightbells.events.contract.scripts import Report
from eightbells.events.reporting import Cancelled, GroupList, Published, Registered, Registration
from eightbells.events.request import Request, execute
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redis.retry import Retry

CONNECT_SECONDS, REPLY_SECONDS = 5.0, 15.0

WAIT_SECONDS = 60
"""For a connection that others use: as long as hundreds who share one may take, and a silent server is noticed."""

BAD_URL = (
    "the server's URL cannot be used: write redis://user:password@host:6379/0, rediss://... or "
    "unix:///path/to/socket?db=0, with what is special in a password percent-encoded"
)

T = TypeVar("T")


class Bus:
    """One namespace of one server, for the dispatches of one cluster; threads share it, and its `connections`."""

    def __init__(self, url: str, namespace: str, cluster: str, connections: int = 16) -> None:
        self.namespace = keys.check_namespace(namespace)
        self.cluster = keys.check_cluster(cluster)
        self._groups = GroupList()
        options: dict[str, Any] = {"protocol": 2, "retry": Retry(NoBackoff(), 0)}
        options |= {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": REPLY_SECONDS}
        # One that is in use is waited for: thousands who share us would otherwise open one each.
        options |= {"max_connections": connections, "timeout": WAIT_SECONDS}
        try:
            pool = redis.BlockingConnectionPool.from_url(url, **options)
        except (ValueError, TypeError):
            raise Refused("bus_url", BAD_URL) from None
        self._client: Any = redis.Redis.from_pool(pool)

    def register(self, registrations: Sequence[Registration]) -> list[Registered]:
        """Register up to 500 dispatches; each has its own reply."""
        return self._run(reporting.register(self.namespace, registrations, self.cluster))

    def cancel(self, dispatch: str) -> Cancelled:
        """Mark a dispatch as being cancelled."""
        (reply,) = self._run(reporting.cancel(self.namespace, [dispatch], self.cluster))
        if reply.status == "error":
            raise Unavailable(f"the bus cannot cancel {dispatch}: {reply.message}")
        return reply

    def publish(self, report: Report) -> Published:
        """Publish one event, with the list of groups that is current."""
        while True:
            reply = self._run(reporting.publish(self.namespace, self._groups, [report], self.cluster))
            if not isinstance(reply, GroupList):
                return reply[0]
            self._groups = reply

    def read(self, dispatch: str) -> Record | None:
        """Return what is known of a dispatch; None where nothing is."""
        with speaking():
            seconds, microseconds = self._client.time()
            record = self._client.hgetall(keys.record(self.namespace, dispatch))
            payload = self._client.hgetall(keys.payload(self.namespace, dispatch))
            beat_ms = self._client.pttl(keys.heartbeat(self.namespace, dispatch))
        return parse_record(seconds * 1000 + microseconds // 1000, record, payload, beat_ms)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _run(self, request: Request[T]) -> T:
        with speaking():
            return execute(self._client, request)


@contextmanager
def speaking() -> Iterator[None]:
    """Turn the client library's errors into ours."""
    try:
        yield
    except (AuthenticationError, NoPermissionError) as error:
        raise Forbidden(f"the bus does not let us: {error}") from None
    except RedisError as error:
        raise Unavailable(f"the bus cannot be used: {error}") from None
