"""The command line: what is wrong is said with the remedy, before anything is started."""

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from eightbells.cli.exits import Exit

from tests.servers.server import Server
from tests.waiting import wait_until

NOWHERE = "redis://localhost:1"
EIGHTBELLS = str(Path(sys.executable).with_name("eightbells"))


def run(*arguments: str, cwd: Path | None = None, **variables: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EIGHTBELLS_")}
    return subprocess.run(
        [EIGHTBELLS, *arguments],
        cwd=cwd,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )


def test_the_help_lists_every_installed_command() -> None:
    """Commands come from entry points, so each program's are there."""
    found = {one.name for one in importlib.metadata.entry_points(group="eightbells.commands")}
    listed = set(re.findall(r"^  (\S+)  ", run("--help").stdout.split("Commands:")[1], re.MULTILINE))

    assert listed == found
    assert {"consume", "demo"} <= found


@pytest.mark.parametrize("command", ["consume", "demo", "tail"])
def test_every_option_names_its_variable(command: str) -> None:
    """Whoever configures by environment reads the names in the help."""
    shown = " ".join(run(command, "--help").stdout.split())
    options = set(re.findall(r" --([a-z-]+)", shown)) - {"help"}

    assert options
    for option in options:
        assert f"EIGHTBELLS_{option.upper().replace('-', '_')}" in shown


def test_a_variable_that_nothing_reads_is_an_error_that_names_it() -> None:
    """A misspelt setting is not ignored; it is named beside those that exist."""
    ran = run("consume", "--handler", "os.path:exists", "--group", "g", EIGHTBELLS_CONCURRENT="4")

    assert ran.returncode == Exit.USAGE
    assert "EIGHTBELLS_CONCURRENT in the environment" in ran.stderr
    assert "EIGHTBELLS_CONCURRENCY" in ran.stderr


def test_a_variable_of_another_command_is_no_error() -> None:
    """One environment serves several commands: what only `consume` reads does not stop `tail`."""
    ran = run("tail", "some-dispatch", EIGHTBELLS_CONCURRENCY="4")

    assert "no server: give --url" in ran.stderr
    assert "in the environment" not in ran.stderr


def test_the_service_variables_of_kubernetes_are_not_settings() -> None:
    """A Service named eightbells puts its addresses into every pod's environment."""
    ran = run(
        "consume",
        EIGHTBELLS_SERVICE_HOST="10.0.0.1",
        EIGHTBELLS_PORT_6379_TCP_ADDR="10.0.0.1",
        EIGHTBELLS_REDIS_SERVICE_PORT="6379",
    )

    assert "in the environment" not in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--handler", "os.path:exists", "--group", "g"], "no server: give --url"),
        (["--handler", "os.path:exists", "--group", "g", "--url", "http://x"], "begins with redis://"),
        (["--handler", "os", "--group", "g", "--url", NOWHERE], "package.module:function"),
        (["--handler", "no_such:f", "--group", "g", "--url", NOWHERE], "no module 'no_such'"),
        (["--handler", "os:nothing", "--group", "g", "--url", NOWHERE], "has no 'nothing'"),
        (["--handler", "os:sep", "--group", "g", "--url", NOWHERE], "not something to call"),
        (["--handler", "os.path:exists", "--group", "a b", "--url", NOWHERE], "group 'a b' is not"),
        (
            ["--handler", "os.path:exists", "--group", "g", "--url", NOWHERE, "--lease", "5x"],
            "write 500ms",
        ),
        (
            ["--handler", "os.path:exists", "--group", "g", "--url", NOWHERE, "--max-tries", "0"],
            "max_tries",
        ),
    ],
)
def test_bad_input_is_an_error_that_says_what_to_change(arguments: list[str], says: str) -> None:
    """Nothing is started, the exit code is that of wrong usage, and there is no traceback."""
    ran = run("consume", *arguments)

    assert ran.returncode == Exit.USAGE
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_url_with_a_password_is_never_shown() -> None:
    """A URL that cannot be used is not repeated: it may hold a secret."""
    ran = run("consume", "--handler", "os.path:exists", "--group", "g", "--url", "http://:hunter2@host")

    assert ran.returncode == Exit.USAGE
    assert "hunter2" not in ran.stderr + ran.stdout


def test_the_url_can_come_from_the_first_line_of_a_file(tmp_path: Path, valkey: Server) -> None:
    """A secret in a file need not be in an environment: the consumer of such a URL starts and stops."""
    (tmp_path / "url").write_text(f"{valkey.url}\n")
    arguments = ["consume", "--handler", "os.path:exists", "--group", "filed", "--url-file", str(tmp_path / "url")]
    with subprocess.Popen([EIGHTBELLS, *arguments], stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: valkey.client().hexists("{eb:default}:cfg", "g:filed"), "the group is registered")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)

    assert process.returncode == Exit.OK, said


def test_a_server_that_refuses_the_password_ends_the_consumer_with_a_clear_word(valkey: Server) -> None:
    """What waiting cannot cure is not waited for."""
    valkey.client().acl_setuser("reader", enabled=True, passwords=["+right"], keys=["*"], commands=["+@all"])
    url = valkey.url.replace("unix://", "unix://reader:wrong@").replace("redis://", "redis://reader:wrong@")

    ran = run("consume", "--handler", "os.path:exists", "--group", "g", "--url", url)

    assert ran.returncode == Exit.NO_PERMISSION, ran.stderr
    assert "the server refuses" in ran.stderr
    assert "wrong@" not in ran.stderr
