"""A real server under test, whatever it runs on, and how it is made as new between two tests.

The rule: a server belongs to one worker alone, so a test may do anything to it, and `reset` undoes what a test did.
"""

from abc import ABC, abstractmethod
from typing import Any, cast

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

# An answer may take longer than the longest blocking read, 10 s. Nothing is tried twice: a test sees what happens.
TIMES: dict[str, Any] = {"socket_connect_timeout": 5.0, "socket_timeout": 15.0}


class Server(ABC):
    """A server, or a cluster of them, at one URL that outlives `kill` and `restart`. What was acknowledged does too."""

    is_cluster = False

    def __init__(self, kind: str, url: str) -> None:
        self.kind = kind
        self.url = url
        self._clients: list[redis.Redis] = []
        self._found: list[tuple[redis.Redis, str, str]] = []

    @abstractmethod
    def start(self) -> None:
        """Returns when it answers."""

    @abstractmethod
    def kill(self) -> None:
        """As the kernel does it (SIGKILL). Returns when it is dead."""

    @abstractmethod
    def stop(self) -> None:
        """In an orderly way. Returns when it has ended; may be said to one that has."""

    @abstractmethod
    def is_running(self) -> bool:
        """Whether it has been started, and neither ended nor killed."""

    @abstractmethod
    def remove(self) -> None:
        """Stops it and leaves nothing of it behind."""

    @property
    def nodes(self) -> list[redis.Redis]:
        """A client for each server there is: one, or each master of the cluster."""
        return [self.client()]

    def restart(self) -> None:
        self.stop()
        self.start()

    def client(self, **options: Any) -> redis.Redis:
        """A client, closed after the test. On a cluster it is a RedisCluster, which has the same commands."""
        options = {**TIMES, **options}
        if self.is_cluster:
            client = cast("redis.Redis", redis.RedisCluster.from_url(self.url, **options))
        else:
            client = redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), **options)
        self._clients.append(client)
        return client

    def async_client(self, **options: Any) -> redis.asyncio.Redis:
        """The same for coroutines, for `async with`: its loop ends before the test's last fixture does."""
        options = {**TIMES, **options}
        if self.is_cluster:
            return cast("redis.asyncio.Redis", redis.asyncio.RedisCluster.from_url(self.url, **options))
        return redis.asyncio.Redis.from_url(self.url, retry=AsyncRetry(NoBackoff(), 0), **options)

    def config_set(self, name: str, value: str | int) -> None:
        """Until the end of the test, or the next restart."""
        for node in self.nodes:
            self._found.append((node, name, str(node.config_get(name)[name])))
            node.config_set(name, value)

    def reset(self) -> None:
        """Up, empty, with the configuration it was started with, knowing no script and no user of a test's."""
        if not self.is_running():
            self.start()
        while self._found:
            node, name, value = self._found.pop()
            node.config_set(name, value)
        for node in self.nodes:
            node.flushall()
            node.script_flush()
            for user in map(str, node.acl_users()):
                if user != "default":
                    node.acl_deluser(user)
        self.close_clients()

    def close_clients(self) -> None:
        while self._clients:
            self._clients.pop().close()
