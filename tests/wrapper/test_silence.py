"""A bus that falls silent: nobody closes, refuses or answers, as when a network, a proxy or a name server is gone."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.nameserver import Silent
from tests.servers.server import Server
from tests.wrapper.gate import Gate
from tests.wrapper.wrapping import Dispatch, Wrapped

IN_TIME = {"EIGHTBELLS_PUBLISH_TIMEOUT": "6s"}
SOON = {"EIGHTBELLS_PUBLISH_TIMEOUT": "600ms"}
MOUNTING = ("unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"', "sh")


@pytest.fixture
def gate(dispatch: Dispatch, valkey: Server) -> Iterator[Gate]:
    """The way to the server that the wrapper knows."""
    with Gate(valkey.url) as gate:
        dispatch.environment["EIGHTBELLS_URL"] = gate.url
        yield gate


def start(dispatch: Dispatch, script: str, **variables: str) -> Wrapped:
    """A command that has reported that it runs, and waits for a line."""
    process = dispatch.start("sh", "-c", f"read go; {script}", env=variables, stdin=subprocess.PIPE)
    dispatch.wait_for("running")
    return process


def test_a_connection_that_is_half_open_is_given_up_for_another(dispatch: Dispatch, gate: Gate) -> None:
    """Where the other end is gone and nobody said so, a new connection takes the ending within the time-out."""
    process = start(dispatch, "exit 7", **IN_TIME)
    gate.strand()
    ran = process.finish(b"go\n")
    assert ran.exit_code == 7
    assert dispatch.states == ["running", "failed"]


def test_an_ending_whose_reply_was_lost_is_said_again_and_is_the_same(dispatch: Dispatch, gate: Gate) -> None:
    """It is sent a second time under its id, which the bus knows: one event, and nothing that contradicts it."""
    process = start(dispatch, "exit 7", **IN_TIME)
    gate.unanswered = b"/failed\r\n"
    ran = process.finish(b"go\n")
    assert (ran.exit_code, gate.unanswered) == (7, b"")
    assert b"cannot report, and tries again: " in ran.stderr
    assert b"not published" not in ran.stderr
    assert dispatch.states == ["running", "failed"]
    assert not {"conflicts", "late"} & dispatch.record.keys()


def test_a_way_that_passes_nothing_costs_the_time_out(dispatch: Dispatch, gate: Gate) -> None:
    """Where every new connection is silent, too, the command exits as it would, and stderr says what was not said."""
    process = start(dispatch, "echo done; exit 7", **SOON)
    gate.shut()
    ran = process.finish(b"go\n")
    assert (ran.exit_code, ran.stdout) == (7, b"done\n")
    assert b"the ending was not published: " in ran.stderr
    assert dispatch.states == ["running"]


def test_a_heartbeat_that_is_not_answered_costs_the_command_nothing(dispatch: Dispatch, gate: Gate) -> None:
    """While the reporter waits for an answer that does not come, signals and output are passed on."""
    process = dispatch.start(
        "sh",
        "-c",
        "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.01; done",
        env={"EIGHTBELLS_HEARTBEAT": "50ms", **SOON},
    )
    process.hears(b"ready\n")
    dispatch.wait_for("running")
    gate.shut()
    assert process.stderr is not None
    assert b"cannot report, and tries again: " in process.stderr.readline()
    process.terminate()
    ran = process.finish()
    assert (ran.exit_code, ran.stdout) == (7, b"caught\n")


@pytest.mark.serial
def test_output_that_nobody_takes_leaves_time_for_the_ending(dispatch: Dispatch, gate: Gate) -> None:
    """Where the bus takes events but no output, the last of the output is dropped before the ending's time is over."""
    gate.swallowed = b"\r\nMULTI\r\n"  # which live output comes in
    process = start(dispatch, "echo done; exit 7", EIGHTBELLS_STREAM="1", EIGHTBELLS_PUBLISH_TIMEOUT="1200ms")
    assert process.finish(b"go\n").exit_code == 7
    assert dispatch.states == ["running", "failed"]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare (util-linux)")
def test_a_resolver_that_does_not_answer_costs_the_time_out(dispatch: Dispatch, tmp_path: Path) -> None:
    """A name server that is silent for a minute a question delays nothing; the ending is in the message alone."""
    resolver, log = tmp_path / "resolv.conf", tmp_path / "log"
    log.touch()
    told = {"EIGHTBELLS_URL": "redis://bus.example.test", "EIGHTBELLS_TERMINATION_LOG": str(log), **SOON}
    with Silent() as server:
        resolver.write_text(f"nameserver {server.address}\noptions timeout:30\n")
        ran = dispatch.run("sh", "-c", "echo done; exit 7", prefix=(*MOUNTING, str(resolver)), env=told)
        assert server.is_asked()
    assert (ran.exit_code, ran.stdout) == (7, b"done\n")
    assert b"the ending was not published: the bus did not answer in time\n" in ran.stderr
    assert b'"exit_code":7' in log.read_bytes()
