"""What the wrapper tells people who build images: its version, and whether a report would arrive."""

import signal
import socket
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from eightbells.wrapper import __version__

from tests.servers.server import Server
from tests.wrapper.wrapping import CONSOLE, WRAPPER, Ran, Wrapping

TICK, DOUBT, CROSS = "\u221a", "\u203c", "\u00d7"
STEPS = ["environment", "resolve", "connect", "authenticate", "script", "write"]


def check(url: str, **more: str) -> Ran:
    wrapping = Wrapping({"EIGHTBELLS_URL": url, **more})
    try:
        return wrapping.run("--check", program=WRAPPER[:-1])
    finally:
        wrapping.close()


def marks(ran: Ran) -> list[str]:
    """The mark and the name of each line."""
    return [line.partition(":")[0] for line in ran.stdout.decode().splitlines()]


@pytest.mark.parametrize("program", [WRAPPER[:-1], CONSOLE[:-1]], ids=["wrapper", "console"])
def test_the_version_is_the_distributions(init: Wrapping, program: list[str]) -> None:
    """--version says the version of pyproject.toml, and nothing on stderr."""
    ran = init.run("--version", program=program)
    project = tomllib.loads(Path("wrapper/pyproject.toml").read_text())["project"]
    assert __version__ == project["version"]
    assert ran.stdout.decode().startswith(f"eightbells-wrapper {__version__} (Python 3.")
    assert (ran.exit_code, ran.stderr) == (0, b"")


def test_after_dashes_it_is_a_command(init: Wrapping) -> None:
    """What follows `--` is a command, whatever it looks like."""
    assert init.run("--version").exit_code == 127


def test_every_step_is_ticked(valkey: Server) -> None:
    """With a server that takes reports each step is a line with a tick, the exit code 0, and no event is left."""
    ran = check(valkey.url)
    assert (ran.exit_code, marks(ran), ran.stderr) == (0, [f"{TICK} {step}" for step in STEPS], b"")
    assert not valkey.client().exists("{eb:default}:ev", "{eb:default}:d:eightbells-check")


@pytest.mark.parametrize(
    ("step", "url", "more", "said"),
    [
        ("environment", "", {}, "EIGHTBELLS_URL"),
        ("environment", "mysql://h", {}, "EIGHTBELLS_URL is ignored: it does not begin with redis://"),
        ("environment", "redis://h", {"EIGHTBELLS_BANANA": "1s"}, "EIGHTBELLS_BANANA"),
        ("environment", "redis://h", {"EIGHTBELLS_DISPATCH_ID": "a b"}, "EIGHTBELLS_DISPATCH_ID"),
        ("resolve", "redis://no-such-host.invalid", {}, "the container's DNS"),
        ("connect", "redis://127.0.0.1:1", {}, "Connection refused"),
    ],
)
def test_the_step_that_fails_is_the_last(step: str, url: str, more: dict[str, str], said: str) -> None:
    """The first step that cannot be taken is crossed, with reason and remedy in its line; the exit code is 1."""
    ran = check(url, **more)
    expected = [f"{TICK} {each}" for each in STEPS[: STEPS.index(step)]] + [f"{CROSS} {step}"]
    assert (ran.exit_code, marks(ran)) == (1, expected)
    assert said in ran.stdout.decode().splitlines()[-1]


@pytest.mark.parametrize(
    ("step", "user", "commands"),
    [("authenticate", "stranger", ""), ("script", "boat", "-evalsha"), ("write", "boat", "-set")],
)
def test_who_may_not_is_told_where(valkey: Server, step: str, user: str, commands: str) -> None:
    """A user that is unknown, may run no script or may not write is crossed at that step, his password not shown."""
    rules = ["+@all", *filter(None, [commands])]
    valkey.client().acl_setuser("boat", enabled=True, passwords=["+s3cret-s3cret"], keys=["*"], commands=rules)
    ran = check(valkey.url.replace("redis://", f"redis://{user}:s3cret-s3cret@"))
    assert (ran.exit_code, marks(ran)[-1]) == (1, f"{CROSS} {step}")
    assert b"s3cret" not in ran.stdout + ran.stderr


def test_a_risk_is_shown_and_is_no_fault(valkey: Server, tmp_path: Path) -> None:
    """A secret that the command can read is a line of its own; all steps are ticked, and the exit code is 0."""
    file = tmp_path / "url"
    file.write_text(valkey.url)
    ran = check("", EIGHTBELLS_URL_FILE=str(file))
    assert (ran.exit_code, marks(ran)[1:]) == (0, [f"{TICK} {step}" for step in STEPS])
    assert ran.stdout.decode().startswith(f"{DOUBT} environment: the command can read {file} (EIGHTBELLS_URL_FILE)")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_interrupted(number: signal.Signals) -> None:
    """While a server lets it wait Ctrl-C or TERM end it, also where the launcher has blocked them."""
    blocking = "import os, signal, sys; signal.pthread_sigmask(0, [2, 15]); os.execv(sys.argv[1], sys.argv[1:])"
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        told = {"EIGHTBELLS_URL": f"redis://127.0.0.1:{mute.getsockname()[1]}", "EIGHTBELLS_PUBLISH_TIMEOUT": "1h"}
        wrapping = Wrapping(told)
        process = wrapping.start("--check", prefix=(sys.executable, "-c", blocking), program=WRAPPER[:-1])
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"{TICK} environment".encode())
        process.send_signal(number)
        assert process.finish().exit_code == 128 + number
        wrapping.close()


def test_a_server_that_wants_a_password_is_not_spoken_to_without(valkey: Server) -> None:
    """Without a password where one is needed it is the authentication that fails."""
    valkey.config_set("requirepass", "s3cret")
    client = valkey.client(password="s3cret")
    try:
        ran = check(valkey.url)
    finally:
        client.config_set("requirepass", "")
    assert (ran.exit_code, marks(ran)[-1]) == (1, f"{CROSS} authenticate")
    assert "NOAUTH" in ran.stdout.decode()
