"""What the bus knows reaches the command: a dispatch that has ended, or is being cancelled, is told to stop."""

import subprocess
from pathlib import Path

import pytest
from eightbells.events.schema import Data
from eightbells.wrapper.outcome import decide
from eightbells.wrapper.reports import Run
from msgspec.json import decode

from tests.bus.bus import Bus
from tests.servers.server import Server
from tests.waiting import wait_until
from tests.wrapper.test_document import TARGET, ending
from tests.wrapper.wrapping import Dispatch

STUBBORN = "trap 'exit 0' TERM; echo ready; sleep 60 & wait"
BEATING = {"EIGHTBELLS_HEARTBEAT": "50ms"}


@pytest.fixture
def bus(valkey: Server) -> Bus:
    return Bus(valkey, "default")


def test_a_second_start_of_a_finished_dispatch_stops_at_once(dispatch: Dispatch) -> None:
    """The reply to `running` ends the command with TERM; nothing further is published, and the first ending stands."""
    dispatch.run("true")
    before = dispatch.record
    ran = dispatch.run("sleep", "60")
    assert ran.exit_code == 143
    assert b"has already ended" in ran.stderr
    assert dispatch.states == ["running", "completed"]
    assert dispatch.record == before


def test_a_short_second_start_says_nothing_either(dispatch: Dispatch) -> None:
    """A command that is over before the bus has answered keeps its exit code and does not speak a second time."""
    dispatch.run("true")
    before = dispatch.record
    assert dispatch.run("sh", "-c", "exit 9").exit_code == 9
    assert dispatch.record == before


def test_a_second_start_may_be_let_run(dispatch: Dispatch) -> None:
    """With EIGHTBELLS_STOP_IF_ENDED=0 it runs to its end, and its late report is kept beside the first."""
    dispatch.run("true")
    assert dispatch.run("sh", "-c", "sleep 0.3; exit 9", env={"EIGHTBELLS_STOP_IF_ENDED": "0"}).exit_code == 9
    assert dispatch.states == ["running", "completed"]
    assert dispatch.record["conflicts"] == "1"


def test_an_ending_from_elsewhere_stops_a_running_command(dispatch: Dispatch, bus: Bus) -> None:
    """A heartbeat learns that the dispatch has ended, and the command is told to stop."""
    process = dispatch.start("sleep", "60", env=BEATING)
    dispatch.wait_for("running")
    bus.tell(dispatch.name, "failed", source="reconciler", code="node_lost")
    assert process.finish().exit_code == 143
    assert bus.client.hget(f"{{eb:default}}:d:{dispatch.name}", "src") == b"reconciler"


def test_a_cancelled_dispatch_ends_as_cancelled_with_its_output(dispatch: Dispatch, bus: Bus) -> None:
    """A heartbeat learns of the cancellation; the ending keeps exit code and output."""
    process = dispatch.start("sh", "-c", "echo working; exec sleep 60", env=BEATING)
    dispatch.wait_for("running")
    bus.cancel(dispatch.name)
    assert process.finish().exit_code == 143
    ending = dispatch.ending
    assert (ending.state, ending.code, ending.fault, ending.charged) == ("failed", "cancelled", "cancelled", False)
    assert (ending.exit_code, ending.signal, ending.terminated_by) == (143, "SIGTERM", "cancel")
    assert ending.stdout is not None
    assert ending.stdout.tail == "working\n"


def test_a_failure_while_a_cancellation_is_unknown_is_sent_again_as_cancelled(dispatch: Dispatch, bus: Bus) -> None:
    """The bus answers a failure of a cancelled dispatch with `cancelling`; the second try says so."""
    process = dispatch.start("sh", "-c", "read go; exit 7", stdin=subprocess.PIPE)
    dispatch.wait_for("running")
    bus.cancel(dispatch.name)
    assert process.finish(b"go\n").exit_code == 7
    assert (dispatch.ending.code, dispatch.ending.exit_code) == ("cancelled", 7)


def test_a_success_stands_though_it_was_cancelled(dispatch: Dispatch, bus: Bus) -> None:
    """A command that ends well before it hears of the cancellation has completed."""
    process = dispatch.start("sh", "-c", "read go", stdin=subprocess.PIPE)
    dispatch.wait_for("running")
    bus.cancel(dispatch.name)
    assert process.finish(b"go\n").exit_code == 0
    assert (dispatch.ending.state, dispatch.ending.code) == ("completed", "exited_zero")


def test_a_command_that_ends_well_because_it_is_cancelled_is_cancelled(
    dispatch: Dispatch, bus: Bus, tmp_path: Path
) -> None:
    """It did what SIGTERM asks for, and not what it was started for; the termination message says so, too."""
    log = tmp_path / "log"
    log.touch()
    told = {**BEATING, "EIGHTBELLS_TERMINATION_LOG": str(log)}
    process = dispatch.start("sh", "-c", "trap 'exit 0' TERM; echo; while :; do sleep 0.05; done", env=told)
    process.hears(b"\n")
    dispatch.wait_for("running")
    bus.cancel(dispatch.name)
    assert process.finish().exit_code == 0
    for found in (dispatch.ending, decode(log.read_bytes(), type=Data)):
        assert (found.state, found.code, found.exit_code) == ("failed", "cancelled", 0)


@pytest.mark.parametrize(
    ("status", "told", "state"),
    [(0, (), "completed"), (0, ("SIGINT",), "completed"), (0, ("SIGQUIT",), "completed"), (1 << 8, (), "failed")],
)
def test_a_success_stands_whatever_else_the_command_was_told(status: int, told: tuple[str, ...], state: str) -> None:
    """Where the wrapper hears of the cancellation after the command's death, that has cut nothing short."""
    report = Run(TARGET).end(ending(decide(status, told, 0)), 1, is_cancelled=True)
    assert (report.state, report.code) == (state, "exited_zero" if state == "completed" else "cancelled")


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [
        (0, ("cancel",), "cancelled"),
        (7 << 8, ("SIGTERM", "cancel"), "cancelled"),
        (9, ("cancel", "SIGKILL"), "cancelled"),
        (0, ("timeout", "cancel"), "cancelled"),
        (0, ("ended",), "exited_zero"),
        (0, ("SIGTERM",), "exited_zero"),
    ],
)
def test_whom_the_cancellation_told_to_stop_is_cancelled(status: int, told: tuple[str, ...], code: str) -> None:
    """Whoever else told it, too, and whatever it exits with."""
    assert decide(status, told, 1.0, "short of memory").code == code


def test_a_start_of_a_cancelled_dispatch_is_stopped_by_the_first_reply(dispatch: Dispatch, bus: Bus) -> None:
    """Cancelled before it began, the command is told to stop as soon as the bus has answered."""
    bus.register(dispatch.name)
    bus.cancel(dispatch.name)
    assert dispatch.run("sleep", "60").exit_code == 143
    assert dispatch.ending.code == "cancelled"


def test_racing_starts_end_once(dispatch: Dispatch) -> None:
    """Of eight starts of one dispatch at the same time, one ends it."""
    wrappers = [dispatch.start("sh", "-c", f"exit {number}") for number in range(8)]
    codes = [wrapper.finish().exit_code for wrapper in wrappers]
    assert codes == list(range(8))
    wait_until(lambda: dispatch.record.get("end"), "it has ended")
    assert dispatch.states.count("completed") + dispatch.states.count("failed") == 1
