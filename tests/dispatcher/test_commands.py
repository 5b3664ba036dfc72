"""The command line: what it prints, what it says on stderr, and its exit code; as a process, on a real bus."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from eightbells.cli.exits import Exit
from eightbells.events.reporting import Registration, register
from eightbells.events.request import execute

from tests.dispatcher.faults import MISSING, TAKEN, created, refusal
from tests.dispatcher.shell import EIGHTBELLS, Shell
from tests.servers.server import Server

SECRET = "hunter2"


def test_a_dispatch_is_submitted_with_every_field_that_was_said(shell: Shell) -> None:
    """The Job that is created is the one that --dry-run prints."""
    (shell.directory / "notes.txt").write_text("read me")
    words = ["submit", "--image", "busybox:1", "--id", "eval/1", "--env", "A=1=2", "--secret-env", "P=s:k"]
    words += ["--memory", "64Mi", "--cpu", "100m", "--timeout", "5m", "--retries", "2", "--label", "team=a"]
    words += ["--context", "opaque", "--input", "notes.txt", "--stream", "--security", "restricted"]
    shell.api.tell("POST", created)
    dry = shell.run(*words, "--dry-run", "-o", "json", "--", "sh", "-c", "echo hi")

    ran = shell.run(*words, "--", "sh", "-c", "echo hi")

    assert ran.returncode == Exit.OK, ran.stderr
    assert re.fullmatch(r"eval/1 created: Job jobs/eval-1-[0-9a-f]{10}\n", ran.stdout)
    manifest = json.loads(dry.stdout)
    (posted,) = [one.body for one in shell.api.asked]
    assert posted == manifest
    (main,) = manifest["spec"]["template"]["spec"]["containers"]
    env = {one["name"]: one for one in main["env"]}
    assert env["A"]["value"] == "1=2"
    assert env["P"]["valueFrom"] == {"secretKeyRef": {"name": "s", "key": "k"}}
    assert main["resources"]["limits"] == {"memory": "64Mi"}
    assert manifest["spec"]["backoffLimit"] == 2
    assert "read me" in dry.stdout


def test_a_dry_run_needs_no_cluster_and_no_bus(tmp_path: Path) -> None:
    """It prints a manifest that can be applied."""
    ran = subprocess.run(
        [EIGHTBELLS, "submit", "--image", "busybox:1", "--dry-run", "--", "true"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=25,
        check=True,
    )

    assert msgspec.yaml.decode(ran.stdout)["kind"] == "Job"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["submit"], "no image"),
        (["submit", "--image", "i", "--env", "A"], "'A' is not NAME=VALUE"),
        (["submit", "--image", "i", "--secret-env", "A=s"], "write secret:key"),
        (["submit", "--image", "i", "--timeout", "5x"], "write 500ms"),
        (["submit", "--image", "i", "--input", "missing"], "missing: No such file"),
        (["submit", "--image", "i", "--template", "missing"], "missing: No such file"),
        (["submit", "--image", "i", "--secret-file", "/etc/x"], "'/etc/x' is not PATH=secret:key"),
        (["submit", "--image", "i", "--wait", "-o", "yaml"], "say -o json"),
        (["submit", "--file", "-", "-o", "yaml"], "say -o json"),
        (["submit", "--file", "-", "--wait"], "--file stands alone"),
    ],
)
def test_bad_input_is_an_error_that_says_what_to_change(shell: Shell, words: list[str], says: str) -> None:
    """Nothing is asked of anybody."""
    ran = shell.run(*words)

    assert (ran.returncode, says in ran.stderr) == (Exit.USAGE, True), ran.stderr
    assert shell.api.asked == []


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (refusal(403, "may not"), Exit.NO_PERMISSION),
        (refusal(403, "exceeded quota: q"), Exit.TRY_AGAIN),
        (refusal(422, "is invalid"), Exit.REFUSED),
    ],
)
def test_what_the_api_says_is_said_with_an_exit_code_of_its_kind(shell: Shell, reply: object, code: Exit) -> None:
    """The message is the API's own."""
    shell.api.tell("POST", reply)  # type: ignore[arg-type]

    ran = shell.run("submit", "--image", "busybox:1", "--id", "d", "--", "true")

    assert ran.returncode == code
    assert reply.body["message"] in ran.stderr  # type: ignore[attr-defined]


def test_the_same_id_with_other_content_is_a_conflict(shell: Shell) -> None:
    """With an exit code of its own."""
    shell.api.tell("POST", created, TAKEN)
    assert shell.run("submit", "--image", "busybox:1", "--id", "d", "--", "true").returncode == Exit.OK
    shell.api.tell("GET", shell.api.posted())

    assert shell.run("submit", "--image", "busybox:1", "--id", "d", "--", "false").returncode == Exit.CONFLICT


def test_an_unknown_dispatch_has_an_exit_code_of_its_own(shell: Shell) -> None:
    """Nothing is known, and that is said."""
    ran = shell.run("get", "never")

    assert ran.returncode == Exit.NOT_FOUND
    assert "nothing is known of dispatch never" in ran.stderr


def test_get_shows_how_a_dispatch_ended(shell: Shell) -> None:
    """State, exit code, output and place, for people and for programs."""
    shell.api.tell("GET", MISSING)
    shell.wrap("d", "sh", "-c", "echo some output; echo trouble >&2; exit 7")

    text, found = shell.run("get", "d"), json.loads(shell.run("get", "d", "-o", "json").stdout)

    assert "state       failed: exit_nonzero, exit code 7, user is to blame" in text.stdout
    assert "attempts    1: exit_nonzero, " in text.stdout
    assert "some output" in text.stdout
    assert "trouble" in text.stdout
    assert (found["verdict"]["exit_code"], found["stderr"]["tail"]) == (7, "trouble\n")
    assert msgspec.yaml.decode(shell.run("get", "d", "-o", "yaml").stdout) == found


def test_get_says_what_it_can_when_the_api_says_nothing(shell: Shell) -> None:
    """The record is of use alone."""
    shell.wrap("d", "true")
    shell.api.tell("GET", refusal(403, "may not get jobs"))

    ran = shell.run("get", "d")

    assert ran.returncode == Exit.OK
    assert "completed: exited_zero" in ran.stdout
    assert "may not get jobs" in ran.stdout


def test_get_does_not_ask_this_cluster_for_the_job_of_another(shell: Shell) -> None:
    """It would find none, or one that is not meant."""
    registration = Registration("d", 60_000, 60_000, namespace="jobs", job="j", labels="no JSON")
    execute(shell.client, register("test", [registration], "elsewhere"))

    ran = shell.run("get", "d")

    assert (ran.returncode, shell.api.asked) == (Exit.OK, [])
    assert "its Job is in cluster elsewhere" in ran.stdout


def test_a_rerun_is_another_dispatch_that_knows_the_first(shell: Shell) -> None:
    """A new id, and `rerun_of` on the bus."""
    shell.api.tell("POST", created)
    shell.wrap("d", "sh", "-c", "exit 3")

    ran = shell.run("submit", "--image", "busybox:1", "--rerun", "d", "-o", "json", "--", "true")

    found = json.loads(ran.stdout)
    assert found["id"] != "d"
    shell.api.tell("GET", MISSING)
    assert json.loads(shell.run("get", found["id"], "-o", "json").stdout)["rerun_of"] == "d"


def test_a_file_of_dispatches_has_a_result_a_line(shell: Shell) -> None:
    """A bad line is named and stops no other; stderr says how many there were, and the exit code that one was bad."""
    shell.api.tell("POST", created)
    shell.wrap("old", "true")
    lines = [
        '{"id":"a","image":"busybox:1","timeout":"5m"}',
        "",
        '{"imag":1}',
        '{"id":"old","image":"busybox:1"}',
        "no json",
    ]

    ran = shell.run("submit", "--file", "-", "-o", "json", given="\n".join(lines))

    results = {one["line"]: one for one in map(json.loads, ran.stdout.splitlines())}
    assert {line: one["status"] for line, one in results.items()} == {1: "created", 3: "error", 4: "ended", 5: "error"}
    assert "imag" in results[3]["error"]
    assert shell.api.asked[0].body["spec"]["activeDeadlineSeconds"] < 60 * 60
    assert ran.stderr == "eightbells: 4 lines, 2 submitted, 2 not\n"
    assert ran.returncode == Exit.REFUSED


def test_a_password_is_nowhere(shell: Shell, valkey: Server) -> None:
    """Not in the Job, not in a message, not in a log; whether the server takes it or not."""
    valkey.client().acl_setuser("us", enabled=True, passwords=[f"+{SECRET}"], keys=["*"], commands=["+@all"])
    shell.api.tell("POST", created)
    addresses = [re.sub("://", f"://us:{password}@", shell.url) for password in (SECRET, f"{SECRET}-wrong")]
    said, codes = "", list[int]()
    for url in (*addresses, f"redis://us:{SECRET}@127.0.0.1:port"):
        shell.environ["EIGHTBELLS_URL"] = url
        ran = shell.run("submit", "--image", "busybox:1", "--id", "d", "--", "true")
        codes.append(ran.returncode)
        said += ran.stdout + ran.stderr

    assert codes == [Exit.OK, Exit.NO_PERMISSION, Exit.REFUSED]
    said += json.dumps([one.body for one in shell.api.asked])
    assert '"kind": "Job"' in said
    assert SECRET not in said


@pytest.mark.parametrize("command", ["submit", "cancel", "get"])
def test_every_option_names_its_variable(command: str) -> None:
    """Whoever configures by environment reads the names in the help."""
    shown = subprocess.run([EIGHTBELLS, command, "--help"], capture_output=True, text=True, check=True).stdout
    shown = " ".join(shown.split())
    options = set(re.findall(r" --([a-z-]+)", shown)) - {"help", "no-wait"}

    assert options
    for option in options:
        assert f"EIGHTBELLS_{option.upper().replace('-', '_')}" in shown


def test_the_help_does_not_wait_for_the_client_of_kubernetes() -> None:
    """It takes half a second to import, and nobody who reads or misspells needs it."""
    code = (
        "import sys; from eightbells.cli.main import cli; cli(['--help'], standalone_mode=False); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "click" in loaded
    assert "eightbells.dispatcher.commands.submit" in loaded
    assert "kubernetes" not in loaded
