"""`submit --wait`, `cancel` and what they have to do with one another; as processes, on a real bus."""

import signal
import threading

from eightbells.cli.exits import Exit

from tests.dispatcher.faults import MISSING, created
from tests.dispatcher.shell import Shell
from tests.waiting import wait_until

BEATING = {"EIGHTBELLS_HEARTBEAT": "200ms"}


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
