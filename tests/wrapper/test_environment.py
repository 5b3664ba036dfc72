"""The wrapper's configuration: read once, wrong values named, the command run whatever they are."""

from pathlib import Path

import pytest
from eightbells.wrapper.address import BadAddress, parse_address
from eightbells.wrapper.environment import VARIABLES, Environment, Variables
from eightbells.wrapper.target import Target

from tests.wrapper.wrapping import Dispatch, Wrapping

BUS = {b"EIGHTBELLS_DISPATCH_ID": b"d", b"EIGHTBELLS_URL": b"redis://h"}


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "user", "password", "database"),
    [
        ("redis://h", "h", 6379, "", "", "", 0),
        ("redis://h:1234/5", "h", 1234, "", "", "", 5),
        ("redis://:secret@h", "h", 6379, "", "", "secret", 0),
        ("redis://u:p%40%2f%25@h:1/", "h", 1, "", "u", "p@/%", 0),
        ("redis://u:p@ss@h", "h", 6379, "", "u", "p@ss", 0),
        ("redis://[::1]:7000/2", "::1", 7000, "", "", "", 2),
        ("redis://[fe80::1]", "fe80::1", 6379, "", "", "", 0),
        ("redis://h?db=4", "h", 6379, "", "", "", 4),
        ("unix:///run/redis.sock", "", 6379, "/run/redis.sock", "", "", 0),
        ("unix://u:p@/run/a%20b?db=3", "", 6379, "/run/a b", "u", "p", 3),
    ],
)
def test_addresses_are_taken_apart(
    url: str, host: str, port: int, path: str, user: str, password: str, database: int
) -> None:
    """Host, port, socket, user, password and database are those of the URL, decoded."""
    got = parse_address(url)
    assert (got.host, got.port, got.path) == (host, port, path)
    assert (got.user, got.password, got.database) == (user, password, database)


@pytest.mark.parametrize("url", ["", "h:6379", "http://h", "redis://", "redis://h:port", "redis://h/x", "unix://h"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """A URL that cannot be used is an error that says what is wrong, and never repeats a password."""
    with pytest.raises(BadAddress):
        parse_address(url)
    with pytest.raises(BadAddress) as refused:
        parse_address(f"ftp://u:secret@{url}")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("1h", 3600), ("500ms", 0.5), ("1.5s", 1.5), ("7", 7), ("0", 0)]
)
def test_durations(text: str, seconds: float) -> None:
    """Durations are written as everywhere in the project; a bare number is seconds."""
    assert Environment({**BUS, b"EIGHTBELLS_TIMEOUT": text.encode()}, pytest.fail).timeout == seconds


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMEOUT", "soon"),
        ("GRACE", "-1s"),
        ("DRAIN", "5 weeks"),
        ("HEARTBEAT", "nan"),
        ("RETRIES", "many"),
        ("CAPTURE", "perhaps"),
        ("STOP_IF_ENDED", "2"),
        ("NAMESPACE", "Not_One"),
        ("CLUSTER", "a b"),
        ("DISPATCH_ID", "-x"),
        ("URL", "mysql://h"),
        ("PUBLISH_TIME", "5s"),
    ],
)
def test_a_wrong_variable_is_named_and_the_command_runs(dispatch: Dispatch, name: str, value: str) -> None:
    """A value that makes no sense, or a name that is none, is a line on stderr that names it."""
    ran = dispatch.run("sh", "-c", "echo ran; exit 7", env={f"EIGHTBELLS_{name}": value})
    assert (ran.exit_code, ran.stdout) == (7, b"ran\n")
    (line,) = [line for line in ran.stderr.splitlines() if b"is ignored" in line]
    assert f"EIGHTBELLS_{name} is ignored: ".encode() in line


def test_when_all_is_well_nothing_is_said(dispatch: Dispatch) -> None:
    """With every variable well set, the wrapper has nothing to say; a secret that the command can read is not."""
    values = dict.fromkeys(VARIABLES - {"URL_FILE"}, "1") | {
        "URL": dispatch.environment["EIGHTBELLS_URL"],
        "DISPATCH_ID": dispatch.name,
        "TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "TRACESTATE": "vendor=1",
        "SINK_SYNC": "0",  # the servers of the tests never wait for the disk
    }
    service = {"EIGHTBELLS_REDIS_SERVICE_HOST": "10.0.0.1", "EIGHTBELLS_PORT": "tcp://10.0.0.1:6379"}
    ran = dispatch.run("true", env={**{f"EIGHTBELLS_{name}": value for name, value in values.items()}, **service})
    assert (ran.exit_code, ran.stderr) == (0, b"")


def test_a_plain_init_says_so_once(init: Wrapping) -> None:
    """Without a dispatch there is one line and nothing else of ours."""
    ran = init.run("true", env={"REDIS_URL": "redis://the-users-own"})
    assert ran.stderr == b"eightbells-wrapper: nothing is reported: EIGHTBELLS_DISPATCH_ID is not set\n"


def test_older_names_are_understood(dispatch: Dispatch) -> None:
    """EVAL_ID and REDIS_URL do, and stay in the command's environment, because they are the user's, too."""
    older = {"EVAL_ID": dispatch.name, "REDIS_URL": dispatch.environment["EIGHTBELLS_URL"]}
    dispatch.environment = older
    assert dispatch.run("sh", "-c", "echo $EVAL_ID $REDIS_URL").stdout.decode().split() == list(older.values())
    assert dispatch.states == ["running", "completed"]


def test_newer_names_go_first() -> None:
    """Where both are set, ours are what counts."""
    both = Target(Variables({**BUS, b"EVAL_ID": b"other", b"REDIS_URL": b"redis://other"}, pytest.fail))
    assert (both.dispatch, both.address and both.address.host) == ("d", "h")


def test_secrets_are_known_in_both_spellings() -> None:
    """What must be masked is the password as it is and as the URL spells it; one too short to hide is neither."""
    spelled = Target(Variables({**BUS, b"EIGHTBELLS_URL": b"redis://u:a%40cdef@h"}, pytest.fail))
    assert set(spelled.secrets) == {b"a@cdef", b"a%40cdef"}
    assert Target(Variables({**BUS, b"EIGHTBELLS_URL": b"redis://u:abc@h"}, pytest.fail)).secrets == ()


def test_the_address_may_be_in_a_file(dispatch: Dispatch, tmp_path: Path) -> None:
    """EIGHTBELLS_URL_FILE names it, a line break at its end is no part of it, and it is said that it can be read."""
    file = tmp_path / "url"
    file.write_text(dispatch.environment.pop("EIGHTBELLS_URL") + "\n")
    ran = dispatch.run("env", env={"EIGHTBELLS_URL_FILE": str(file)})
    assert dispatch.states == ["running", "completed"]
    assert b"EIGHTBELLS_" not in ran.stdout
    assert ran.stderr.startswith(f"eightbells-wrapper: the command can read {file} (EIGHTBELLS_URL_FILE)".encode())


def test_a_file_beside_an_address_is_not_read(dispatch: Dispatch) -> None:
    """Where both are told, the address that is not in a file holds."""
    ran = dispatch.run("true", env={"EIGHTBELLS_URL_FILE": "/no/such/file"})
    assert dispatch.states == ["running", "completed"]
    assert ran.stderr == b"eightbells-wrapper: EIGHTBELLS_URL_FILE is ignored: EIGHTBELLS_URL is set\n"


def test_a_file_that_cannot_be_read_leaves_the_termination_message(dispatch: Dispatch, tmp_path: Path) -> None:
    """The command runs, stderr names the file, and the ending is in the termination message alone."""
    log = tmp_path / "log"
    log.touch()
    told = {"EIGHTBELLS_URL": "", "EIGHTBELLS_URL_FILE": "/no/such/file", "EIGHTBELLS_TERMINATION_LOG": str(log)}
    ran = dispatch.run("sh", "-c", "exit 7", env=told)
    assert ran.exit_code == 7
    assert b"EIGHTBELLS_URL_FILE is ignored: /no/such/file: No such file or directory\n" in ran.stderr
    assert b'"exit_code":7' in log.read_bytes()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("mysql://h", "EIGHTBELLS_URL_FILE is ignored: it does not begin with redis://"),
        (" \n", "EIGHTBELLS_URL_FILE is ignored: {file} is empty"),
        (None, "EIGHTBELLS_URL_FILE is ignored: {file}: Is a directory"),
    ],
    ids=["no address", "empty", "directory"],
)
def test_a_file_without_an_address_is_what_is_named(
    dispatch: Dispatch, tmp_path: Path, content: str | None, said: str
) -> None:
    """Stderr says what is wrong with the file, and never that a variable is which nobody has set."""
    file = tmp_path / "url"
    file.mkdir() if content is None else file.write_text(content)
    ran = dispatch.run("sh", "-c", "exit 7", env={"EIGHTBELLS_URL": "", "EIGHTBELLS_URL_FILE": str(file)})
    assert ran.exit_code == 7
    assert said.format(file=file).encode() in ran.stderr
    assert b"EIGHTBELLS_URL is ignored" not in ran.stderr


def test_a_file_that_cannot_be_read_is_closed(tmp_path: Path) -> None:
    """No descriptor is left of a directory that was named for a file."""
    before = sorted(Path("/proc/self/fd").iterdir())
    Environment({**BUS, b"EIGHTBELLS_URL": b"", b"EIGHTBELLS_URL_FILE": bytes(tmp_path)}, lambda _: None)
    assert sorted(Path("/proc/self/fd").iterdir()) == before
