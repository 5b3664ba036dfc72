"""The bus as the reconciler uses it: read in batches, publish, and take what is due. One namespace, one cluster.

Nothing is resent here: every script is safe to resend, and whoever called keeps its dispatches until it was answered.
Nothing quotes the server's URL, which may hold a password.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import redis
from eightbells.events import reporting
from eightbells.events.contract import keys
from eightbells.events.contract.limits import BATCH, PUBLISH_BATCH
from eightbells.events.contract.scripts import Report
from eightbells.events.reporting import GroupList, Look, Published
from eightbells.events.request import Request, execute
from eightbells.reconciler.worker.errors import BadOption, BusDown, BusRefuses
from eightbells.reconciler.worker.record import Record, parse_record
from msgspec import Struct
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redis.retry import Retry

CONNECT_SECONDS, REPLY_SECONDS = 5.0, 15.0

READ_BATCH = 50
"""Whole records of one reply: each may carry an attempt's document of 64 KiB."""

BAD_URL = (
    "the server's URL cannot be used: write redis://user:password@host:6379/0, rediss://... or "
    "unix:///path/to/socket?db=0, with what is special in a password percent-encoded"
)

T = TypeVar("T")


class Due(Struct, frozen=True):
    """An open dispatch that somebody should look at; namespace and UID of its Job are '' where nobody knows."""

    dispatch: str
    namespace: str
    job_uid: str


class Bus:
    """One namespace of one server, for the dispatches of one cluster. One thread uses it."""

    def __init__(self, url: str, namespace: str, cluster: str) -> None:
        self.namespace = keys.check_namespace(namespace)
        self.cluster = keys.check_cluster(cluster)
        self._groups = GroupList()
        times = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": REPLY_SECONDS}
        try:
            self._client: Any = redis.Redis.from_url(url, protocol=2, retry=Retry(NoBackoff(), 0), **times)
        except (ValueError, TypeError):
            raise BadOption(BAD_URL) from None

    def run_id(self) -> str | None:
        """Return the name of the server's present life; None where it does not tell us."""
        try:
            with _speaking():
                return str(self._client.info("server").get("run_id") or "") or None
        except BusRefuses:
            return None

    def ended(self, dispatches: Sequence[str]) -> frozenset[str]:
        """Return those that have ended."""
        found: set[str] = set()
        for batch in _batches(dispatches, BATCH):
            with _speaking():
                pipe = self._client.pipeline(transaction=False)
                for dispatch in batch:
                    pipe.hexists(keys.record(self.namespace, dispatch), "end")
                found.update(dispatch for dispatch, has_end in zip(batch, pipe.execute(), strict=True) if has_end)
        return frozenset(found)

    def read(self, dispatches: Sequence[str]) -> dict[str, Record]:
        """Return the record of each; one without a record has `seq` 0."""
        found: dict[str, Record] = {}
        for batch in _batches(dispatches, READ_BATCH):
            with _speaking():
                pipe = self._client.pipeline(transaction=False)
                pipe.time()
                for dispatch in batch:
                    pipe.hgetall(keys.record(self.namespace, dispatch))
                    pipe.hgetall(keys.payload(self.namespace, dispatch))
                    pipe.pttl(keys.heartbeat(self.namespace, dispatch))
                (seconds, microseconds), *said = pipe.execute()
            now = seconds * 1000 + microseconds // 1000
            for number, dispatch in enumerate(batch):
                found[dispatch] = parse_record(dispatch, now, *said[3 * number : 3 * number + 3])
        return found

    def publish(self, reports: Sequence[Report]) -> list[Published]:
        """Publish events with the list of groups that is current; one reply each."""
        replies: list[Published] = []
        for batch in _batches(reports, PUBLISH_BATCH):
            replies += self._publish(batch)
        return replies

    def due(self, count: int, after: int = 0) -> list[Due]:
        """Return up to `count` open dispatches that are due, the longest waiting first, without the first `after`."""
        with _speaking():
            seconds, microseconds = self._client.time()
            now = seconds * 1000 + microseconds // 1000
            name = keys.open_(self.namespace, self.cluster)
            members: Any = self._client.zrange(name, 0, now, byscore=True, offset=after, num=count)
            dispatches = [str(member, "utf-8", "replace") for member in members]
            pipe = self._client.pipeline(transaction=False)
            for dispatch in dispatches:
                pipe.hmget(keys.record(self.namespace, dispatch), "ns", "uid")
            places = pipe.execute()
        texts = [[str(value or b"", "utf-8", "replace") for value in place] for place in places]
        return [Due(dispatch, *place) for dispatch, place in zip(dispatches, texts, strict=True)]

    def look(self, dispatches: Sequence[str], next_ms: int) -> list[Look]:
        """Take up to 500 open dispatches that are due, and move each on by `next_ms`."""
        return self._run(reporting.look(self.namespace, self.cluster, dispatches, next_ms))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _publish(self, reports: Sequence[Report]) -> list[Published]:
        while True:
            reply = self._run(reporting.publish(self.namespace, self._groups, reports, self.cluster))
            if not isinstance(reply, GroupList):
                return reply
            self._groups = reply

    def _run(self, request: Request[T]) -> T:
        with _speaking():
            return execute(self._client, request)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn the client library's errors into ours. A password may be changed, and a full server have room again: all
    but a lack of rights is tried again.
    """
    try:
        yield
    except (AuthenticationError, NoPermissionError) as error:
        raise BusRefuses(f"the bus does not let us: {error}") from None
    except RedisError as error:
        raise BusDown(f"the bus cannot be used: {error}") from None
