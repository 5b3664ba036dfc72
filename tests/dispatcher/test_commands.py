"""The command line: what it prints, what it says on stderr, and its exit code; as a process, on a real bus."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from eightbells.cli.exits import Exit

from tests.dispatcher.faults import MISSING, TAKEN, created, refusal
from tests.dispatcher.submitting import Harbour
from tests.servers.server import Server
from tests.waiting import wait_until

EIGHTBELLS = str(Path(sys.executable).with_name("eightbells"))
WRAPPER = str(Path(sys.executable).with_name("eightbells-wrapper"))
COMMON = ("--namespace", "test", "--job-namespace", "jobs", "--cluster", "c")
BEATING = {"EIGHTBELLS_HEARTBEAT": "200ms"}
SECRET = "hunter2"


class Shell:
    """A shell whose environment leads to the bus and to the API server."""

    def __init__(self, harbour: Harbour, directory: Path) -> None:
        self.api = harbour.api
        self.directory = directory
        self.url = harbour.server.url
        self.client = harbour.server.client()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EIGHTBELLS_")}
        kubeconfig = self.api.write_kubeconfig(directory / "kubeconfig", token="t0ken")
        self.environ = {**kept, "EIGHTBELLS_URL": self.url, "EIGHTBELLS_KUBECONFIG": str(kubeconfig)}

    def start(self, *words: str) -> "subprocess.Popen[str]":
        command, *rest = words
        return subprocess.Popen(
            [EIGHTBELLS, command, *COMMON, *rest],
            env=self.environ,
            cwd=self.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        with self.start(*words) as process:
            stdout, stderr = process.communicate(given, timeout=25)
        assert "Traceback" not in stderr, stderr
        return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)

    def wrap(self, dispatch: str, *command: str, **variables: str) -> int:
        """Run a command in a wrapper that reports on the dispatch, as its pod would."""
        told = {"EIGHTBELLS_URL": self.url, "EIGHTBELLS_DISPATCH_ID": dispatch, "EIGHTBELLS_NAMESPACE": "test"}
        environ = {"PATH": os.environ["PATH"], **told, **variables}
        return subprocess.run([WRAPPER, "--", *command], env=environ, capture_output=True, check=False).returncode


@pytest.fixture
def shell(harbour: Harbour, tmp_path: Path) -> Shell:
    """A shell to type commands into."""
    return Shell(harbour, tmp_path)


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


def test_waiting_shows_live_output_and_exits_as_the_command_did(shell: Shell) -> None:
    """Stdout is the command's own, byte for byte; our words are on stderr."""
    shell.api.tell("POST", created)
    shell.api.tell("GET", MISSING)
    with shell.start("submit", "--image", "busybox:1", "--id", "d", "--stream", "--wait", "--", "true") as waiting:
        wait_until(lambda: shell.api.count("POST"), "the Job is created")
        shell.wrap("d", "sh", "-c", "echo live; echo more >&2; exit 7", EIGHTBELLS_STREAM="1")
        stdout, stderr = waiting.communicate(timeout=25)

    assert waiting.returncode == 7
    assert stdout == "live\n"
    assert "more\n" in stderr
    assert "failed: exit_nonzero, exit code 7" in stderr
    assert "live output" not in stderr


def test_waiting_without_a_stream_shows_what_the_ending_has(shell: Shell) -> None:
    """The output comes at the end, and is told from our words."""
    shell.api.tell("POST", created)
    shell.api.tell("GET", MISSING)
    with shell.start("submit", "--image", "busybox:1", "--id", "d", "--wait", "--", "true") as waiting:
        wait_until(lambda: shell.api.count("POST"), "the Job is created")
        shell.wrap("d", "sh", "-c", "echo the end")
        stdout, stderr = waiting.communicate(timeout=25)

    assert (waiting.returncode, stdout) == (Exit.OK, "the end\n")
    assert "completed: exited_zero" in stderr
    assert "live output" not in stderr


def test_waiting_for_what_is_cancelled_says_so(shell: Shell) -> None:
    """With the code of the table."""
    shell.api.tell("POST", created)
    shell.api.tell("GET", MISSING)
    with shell.start("submit", "--image", "busybox:1", "--id", "d", "--wait", "--", "true") as waiting:
        wait_until(lambda: shell.api.count("POST"), "the Job is created")
        cancelled = shell.run("cancel", "d")
        waiting.communicate(timeout=25)

    assert (cancelled.returncode, cancelled.stdout) == (Exit.OK, "d is cancelled\n")
    assert waiting.returncode == Exit.CANCELLED


def test_a_command_outside_the_cluster_learns_of_a_cancel_and_ends_itself(shell: Shell) -> None:
    """There is no Job to delete: its next heartbeat tells it, and its own word is the ending."""
    shell.api.tell("GET", MISSING)
    running = threading.Thread(target=shell.wrap, args=("d", "sh", "-c", "echo half; sleep 600"), kwargs=BEATING)
    running.start()
    wait_until(lambda: shell.client.exists("{eb:test}:hb:d"), "its heart beats")

    ran = shell.run("cancel", "d")
    running.join()

    assert (ran.returncode, ran.stdout) == (Exit.OK, "d is cancelled; exit code 143\n"), ran.stderr
    assert "half" in shell.run("get", "d").stdout


def test_interrupting_a_wait_leaves_the_dispatch_alone(shell: Shell) -> None:
    """Whoever waits may go."""
    shell.api.tell("POST", created)
    with shell.start("submit", "--image", "busybox:1", "--id", "d", "--wait", "--", "true") as waiting:
        clients = shell.client.client_list
        wait_until(lambda: any(one["cmd"] == "xread" for one in clients()), "it waits for the ending")
        waiting.send_signal(signal.SIGINT)
        waiting.communicate(timeout=25)

    assert waiting.returncode == Exit.INTERRUPTED
    assert {one.method for one in shell.api.asked} == {"POST"}


def test_a_dispatch_that_has_ended_is_not_started_and_is_waited_for_at_once(shell: Shell) -> None:
    """Its verdict is the answer, with its exit code when asked to wait."""
    shell.api.tell("GET", MISSING)
    shell.wrap("d", "sh", "-c", "exit 3")
    words = ["submit", "--image", "busybox:1", "--id", "d"]

    told, waited = shell.run(*words, "--", "true"), shell.run(*words, "--wait", "--", "true")

    assert told.returncode == Exit.OK
    assert "d has ended, and nothing was started; failed: exit_nonzero, exit code 3" in told.stdout
    assert waited.returncode == 3
    assert shell.api.count("POST") == 0


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
    options = set(re.findall(r" --([a-z-]+)", shown)) - {"help", "no-wait", "stream", "file", "rerun"}

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
