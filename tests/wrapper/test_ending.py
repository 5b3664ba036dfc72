"""The wrapper ends on the command's death, never on the end of its output."""

import os
import signal

from tests.servers.processes import is_alive
from tests.waiting import wait_until
from tests.wrapper.wrapping import AS_SUBREAPER, Dispatch, Wrapping, children


def test_an_orphan_that_holds_the_output_is_not_waited_for(dispatch: Dispatch) -> None:
    """A process left behind with our pipes in its hands does not delay the end, and a warning names it."""
    process = dispatch.start("sh", "-c", "setsid sleep 60 & echo $!; exit 6", prefix=AS_SUBREAPER)
    assert process.stdout is not None
    orphan = int(process.stdout.readline())
    try:
        assert process.wait(20) == 6
        assert is_alive(orphan)
    finally:
        os.kill(orphan, signal.SIGKILL)
    held = f"is still held open by what the command left behind: sleep ({orphan})"
    assert dispatch.ending.warnings == (f"stdout {held}", f"stderr {held}")


def test_what_the_command_wrote_last_is_not_lost_to_an_orphan(dispatch: Dispatch) -> None:
    """All the command wrote before its death arrives, though its pipe never ends."""
    ran = dispatch.run("sh", "-c", "sleep 3 & yes | head -c 300000; exit 6")
    assert (ran.exit_code, len(ran.stdout)) == (6, 300_000)


def test_output_without_end_is_cut_off(dispatch: Dispatch) -> None:
    """An orphan that goes on writing is not listened to for longer than EIGHTBELLS_DRAIN."""
    process = dispatch.start(
        "sh",
        "-c",
        "setsid yes & echo $! >&2; exit 6",
        stdout=os.open(os.devnull, os.O_WRONLY),
        env={"EIGHTBELLS_DRAIN": "100ms"},
    )
    assert process.stderr is not None
    orphan = int(process.stderr.readline())
    assert process.wait(20) == 6
    wait_until(lambda: not is_alive(orphan), "the orphan has no reader any more")
    assert any("did not come to rest" in warning for warning in dispatch.ending.warnings)


def test_a_hundred_orphans_leave_no_zombie(init: Wrapping) -> None:
    """Whatever becomes ours and dies is buried, while the command lives on."""
    script = "for i in $(seq 100); do (sh -c 'exit 3' &) ; done; echo left; exec sleep 60"
    process = init.start("sh", "-c", script, prefix=AS_SUBREAPER)
    process.hears(b"left\n")
    command = process.command
    wait_until(lambda: children(process.pid) == [command], "only the command is left")
    process.send_signal(signal.SIGTERM)
    assert process.finish().exit_code == 143


def test_the_commands_death_is_not_missed_among_others(init: Wrapping) -> None:
    """Fifty orphans that die in the instant in which the command does hide nothing of its exit code."""
    script = 'for i in $(seq 50); do sleep 60 & all="$all $!"; done; kill -9 $all; exit 7'
    for _ in range(10):
        assert init.run("sh", "-c", script, prefix=AS_SUBREAPER).exit_code == 7
