"""With EIGHTBELLS_SINK_SYNC=1 an ending is not only accepted but kept, or it is said that it may be lost."""

from collections.abc import Iterator

import pytest

from tests.servers.fixtures import Park
from tests.servers.kinds import KINDS
from tests.servers.server import Server
from tests.wrapper.wrapping import Dispatch

SYNC = {"EIGHTBELLS_SINK_SYNC": "1", "EIGHTBELLS_RESERVE": "300ms"}


@pytest.fixture
def old(park: Park) -> Iterator[Server]:
    """A server from before WAITAOF."""
    if reason := KINDS["debian-redis"].reason_against():
        pytest.skip(reason)
    server = park.get("debian-redis")
    yield server
    server.close_clients()


def calls(server: Server) -> dict[str, int]:
    found = server.client().info("commandstats")
    return {name: found.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("waitaof", "wait")}


def test_the_ending_is_on_disk_before_we_exit(dispatch: Dispatch, valkey: Server) -> None:
    """The server is asked to have the ending on its disk, and when it has there is nothing to say."""
    valkey.config_set("appendfsync", "always")
    before = calls(valkey)
    ran = dispatch.run("sh", "-c", "exit 7", env=SYNC)
    assert (ran.exit_code, ran.stderr) == (7, b"")
    assert calls(valkey) == {"waitaof": before["waitaof"] + 1, "wait": before["wait"]}


def test_that_it_may_be_lost_is_said(dispatch: Dispatch, valkey: Server) -> None:
    """A server that does not write in time costs the reserve; the ending stands, the exit code too, and it is said."""
    valkey.config_set("appendfsync", "no")
    ran = dispatch.run("sh", "-c", "exit 7", env=SYNC)
    assert ran.exit_code == 7
    assert b"the ending is accepted, and the server may still lose it: " in ran.stderr
    assert dispatch.states == ["running", "failed"]


def test_an_older_server_is_asked_for_a_replica(old: Server) -> None:
    """Where there is no WAITAOF it is WAIT; without a replica that is said."""
    dispatch = Dispatch(old, "d")
    ran = dispatch.run("sh", "-c", "exit 7", env=SYNC)
    dispatch.close()
    assert ran.exit_code == 7
    assert b"may still lose it: neither its disk nor a replica had it in time" in ran.stderr
    assert calls(old)["wait"] == 1


def test_nobody_waits_unasked(dispatch: Dispatch, valkey: Server) -> None:
    """Without the variable the server is not asked."""
    before = calls(valkey)
    assert dispatch.run("true").stderr == b""
    assert calls(valkey) == before
