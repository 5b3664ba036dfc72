"""For whom an embedded server lives: as long as one of its owners, whoever dies and however."""

import asyncio
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import redis
from eightbells.consumer import embedded

from tests.servers.processes import about_server, is_alive, parent, sleeps
from tests.waiting import wait_until

OWNER = """
import sys
from eightbells.consumer import embedded
with embedded.serve(directory=sys.argv[1] or None) as server:
    print(server.url, server.directory, flush=True)
    sys.stdin.read()
"""


class Owner:
    """Another process that owns a server until it is told to leave, or killed."""

    def __init__(self, directory: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(directory or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def place(self) -> tuple[str, Path]:
        """URL and directory of its server, once it has one."""
        assert self.process.stdout is not None
        url, directory = self.process.stdout.readline().split()
        return url, Path(directory)

    def leave(self) -> None:
        self.process.communicate(timeout=20)

    def kill(self) -> None:
        self.process.kill()
        self.leave()


Owning = Callable[..., Owner]


@pytest.fixture
def owner() -> Iterator[Owning]:
    """Starts owners, and ends those that a failed test has left."""
    with ExitStack() as owners:

        def start(directory: Path | None = None) -> Owner:
            started = Owner(directory)
            owners.callback(started.kill)
            return started

        yield start


def pid(url: str) -> int:
    return int(about_server(url)["process_id"])


def test_a_temporary_server_leaves_nothing() -> None:
    """After `close`, no process, no directory; closing again does nothing."""
    server = embedded.serve()
    assert server.directory is not None
    server_pid = pid(server.url)
    keeper_pid = parent(server_pid)
    server.close()
    assert not is_alive(server_pid)
    assert not server.directory.exists()
    wait_until(lambda: not is_alive(keeper_pid), "the keeper is gone")
    server.close()


def test_an_owner_that_is_killed_takes_its_server_along(owner: Owning) -> None:
    """SIGKILL leaves no server and no temporary directory behind."""
    first = owner()
    url, directory = first.place()
    server_pid = pid(url)
    first.kill()
    wait_until(lambda: not is_alive(server_pid), "the server is gone")
    wait_until(lambda: not directory.exists(), "the directory is gone")


def test_two_owners_share_a_server_that_outlives_the_first(tmp_path: Path, owner: Owning) -> None:
    """The second goes on when the first, which started the server, is killed; with the second the server ends."""
    first, second = owner(tmp_path), owner(tmp_path)
    url, _ = first.place()
    assert second.place() == (url, tmp_path)
    server_pid = pid(url)
    with closing(redis.Redis.from_url(url)) as client:
        client.set("written", "before")
        first.kill()
        third = owner(tmp_path)
        assert third.place() == (url, tmp_path)
        assert (client.get("written"), pid(url)) == (b"before", server_pid)
        third.leave()
        assert (client.get("written"), pid(url)) == (b"before", server_pid)
    second.leave()
    assert not is_alive(server_pid)


def test_owners_that_come_at_once_get_one_server(tmp_path: Path, owner: Owning) -> None:
    """Six processes race for a directory and share what one of them starts."""
    owners = [owner(tmp_path) for _ in range(6)]
    assert len({pid(each.place()[0]) for each in owners}) == 1


def test_a_server_does_not_end_while_somebody_is_about_to_join(tmp_path: Path, owner: Owning) -> None:
    """Who holds the lock will find the server he is about to join, though its last owner has gone."""
    last = owner(tmp_path)
    url, _ = last.place()
    server_pid = pid(url)
    keeper_pid = parent(server_pid)
    with (tmp_path / "lock").open() as lock, socket.socket(socket.AF_UNIX) as joining:
        fcntl.flock(lock, fcntl.LOCK_EX)
        last.kill()
        slept = sleeps(keeper_pid)
        wait_until(lambda: sleeps(keeper_pid) > slept + 3 or not is_alive(keeper_pid), "the keeper looks several times")
        joining.connect(str(tmp_path / "owners.sock"))
        assert joining.recv(64) == b"ready\n"
        assert pid(url) == server_pid
    wait_until(lambda: not is_alive(server_pid), "the server is gone")


def test_what_was_written_is_there_after_the_only_owner_was_killed(tmp_path: Path, owner: Owning) -> None:
    """A directory keeps its data: its server has written all when it ends with its owners."""
    first = owner(tmp_path)
    url, _ = first.place()
    with closing(redis.Redis.from_url(url)) as client:
        client.set("written", "before")
        server_pid = pid(url)
        first.kill()
        wait_until(lambda: not is_alive(server_pid), "the server is gone")
    with embedded.serve(directory=tmp_path) as server, closing(redis.Redis.from_url(server.url)) as client:
        assert client.get("written") == b"before"


def test_a_keeper_that_is_killed_takes_the_server_along(tmp_path: Path) -> None:
    """No server is left that nobody keeps, and the directory can be used again."""
    with embedded.serve(directory=tmp_path) as server:
        server_pid = pid(server.url)
        os.kill(parent(server_pid), signal.SIGKILL)
        wait_until(lambda: not is_alive(server_pid), "the server is gone")
        with embedded.serve(directory=tmp_path) as again:
            assert pid(again.url) != server_pid


def test_a_server_that_dies_can_be_had_again(tmp_path: Path) -> None:
    """Its keeper does not stay to offer a server that is not there."""
    with embedded.serve(directory=tmp_path) as server:
        server_pid = pid(server.url)
        keeper_pid = parent(server_pid)
        os.kill(server_pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(keeper_pid), "the keeper is gone")
        with embedded.serve(directory=tmp_path) as again:
            assert pid(again.url) != server_pid


async def test_a_server_outlives_the_thread_that_started_it() -> None:
    """It belongs to the process: a thread that ends does not take it along."""
    loop = asyncio.get_running_loop()
    with await loop.run_in_executor(None, embedded.serve) as server:
        await loop.shutdown_default_executor()
        async with redis.asyncio.Redis.from_url(server.url) as client:
            assert await client.ping()


def test_an_interrupt_at_the_terminal_does_not_reach_the_server(owner: Owning) -> None:
    """The owner decides when it has handed everything back: the server is in a session of its own."""
    first = owner()
    server_pid = pid(first.place()[0])
    assert os.getsid(server_pid) != os.getsid(first.process.pid)
    assert os.getpgid(server_pid) != os.getpgid(first.process.pid)
