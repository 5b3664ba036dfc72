"""`eightbells tail`: the live output of a dispatch as it comes, byte for byte, and then its ending."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eightbells.cli.exits import Exit
from eightbells.consumer.output import Piece, Reassembly
from eightbells.events.contract import keys

from tests.servers.server import Server
from tests.waiting import wait_until
from tests.wrapper.wrapping import LIMIT, NAMESPACE, Dispatch, Ran, processes

EIGHTBELLS = str(Path(sys.executable).with_name("eightbells"))
LIVE = {"EIGHTBELLS_STREAM": "1"}
DONE = b"eightbells: completed: exited_zero, exit code 0\n"


class Tailing:
    """Starts tails of one dispatch, and leaves none behind."""

    def __init__(self, server: Server, dispatch: str) -> None:
        self._arguments = [EIGHTBELLS, "tail", dispatch, "--url", server.url]
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [*self._arguments, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"]},
        )
        self._started.append(process)
        return process

    def run(self, *arguments: str) -> Ran:
        return finish(self.start(*arguments))

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


def finish(process: "subprocess.Popen[bytes]") -> Ran:
    stdout, stderr = process.communicate(timeout=LIMIT)
    return Ran(process.returncode, stdout, stderr)


@pytest.fixture
def dispatch(valkey: Server, request: pytest.FixtureRequest) -> Iterator[Dispatch]:
    """Wrappers that report on one dispatch, named as the test."""
    dispatch = Dispatch(valkey, re.sub(r"[^A-Za-z0-9._:@/+-]", "-", request.node.name)[:200])
    yield dispatch
    dispatch.close()


@pytest.fixture
def tailing(valkey: Server, dispatch: Dispatch) -> Iterator[Tailing]:
    """Tails of that dispatch."""
    tailing = Tailing(valkey, dispatch.name)
    yield tailing
    tailing.close()


def add(server: Server, dispatch: str, *entries: dict[str, Any]) -> None:
    """Add entries to the output stream as docs/protocol.md says."""
    client: Any = server.client()
    for entry in entries:
        client.xadd(keys.output(NAMESPACE, dispatch), {"r": "r1", "s": "stdout", **entry})
    client.pexpire(keys.output(NAMESPACE, dispatch), 60_000)


def find_connection(server: Server) -> str:
    """The id of that of the tail, once it waits."""
    client: Any = server.client()
    reading = wait_until(lambda: [one for one in client.client_list() if one["cmd"] == "xread"], "the tail waits")
    return str(reading[0]["id"])


def is_stopped(process: "subprocess.Popen[bytes]") -> bool:
    return any(number == process.pid and fields[0] == "T" for number, fields in processes())


def test_both_streams_are_shown_as_they_were(dispatch: Dispatch, tailing: Tailing) -> None:
    """What the command wrote to stdout is on stdout, and to stderr on stderr; the last line is the ending."""
    script = "head -c 700000 /dev/urandom | tee /dev/stderr; printf 'end\\n' >&2; exit 7"
    ran = dispatch.run("bash", "-c", script, env=LIVE)
    for arguments in ([], ["-f"]):
        shown = tailing.run(*arguments)
        assert shown.exit_code == Exit.OK
        assert shown.stdout == ran.stdout
        assert shown.stderr == ran.stderr + b"eightbells: failed: exit_nonzero, exit code 7\n"


def test_output_is_shown_as_it_comes(dispatch: Dispatch, tailing: Tailing) -> None:
    """With -f the first words are there while the command runs, the last with its ending."""
    process = dispatch.start("sh", "-c", "echo one; read go; echo two", env=LIVE, stdin=subprocess.PIPE)
    dispatch.wait_for("running")
    tail = tailing.start("-f")
    assert tail.stdout
    assert tail.stdout.readline() == b"one\n"
    process.finish(b"go\n")
    shown = finish(tail)
    assert (shown.exit_code, shown.stdout) == (Exit.OK, b"two\n")
    assert shown.stderr == DONE


def test_a_dispatch_that_has_not_begun_is_waited_for(dispatch: Dispatch, tailing: Tailing, valkey: Server) -> None:
    """With -f an unknown dispatch is waited for, which is said once, and then shown from the beginning."""
    tail = tailing.start("-f")
    assert tail.stderr
    assert b": waiting for it" in tail.stderr.readline()
    client: Any = valkey.client()
    client.client_kill_filter(_id=find_connection(valkey))
    assert b"does not answer" in tail.stderr.readline()
    dispatch.run("echo", "hello", env=LIVE)
    shown = finish(tail)
    assert (shown.stdout, shown.stderr) == (b"hello\n", DONE)


def test_an_unknown_dispatch_is_an_error(tailing: Tailing) -> None:
    """Without -f there is nothing to wait for: the exit code and a line say so."""
    shown = tailing.run()
    assert (shown.exit_code, shown.stdout) == (Exit.NOT_FOUND, b"")
    assert shown.stderr.startswith(b"eightbells: nothing is known of dispatch ")


def test_what_runs_is_shown_so_far(dispatch: Dispatch, tailing: Tailing, valkey: Server) -> None:
    """Without -f the tail of a running command ends where the output does, and says that there may be more."""
    dispatch.start("sh", "-c", "echo one; read go", env=LIVE, stdin=subprocess.PIPE)
    wait_until(lambda: valkey.client().exists(keys.output(NAMESPACE, dispatch.name)), "there is output")
    shown = tailing.run()
    assert (shown.exit_code, shown.stdout) == (Exit.OK, b"one\n")
    assert b"it has not ended" in shown.stderr


@pytest.mark.parametrize("start", [0, 1, 16383, 16384, 40000, 60000, 99999])
def test_an_offset_leaves_out_what_is_before_it(dispatch: Dispatch, tailing: Tailing, start: int) -> None:
    """--from shows each stream from that byte on, in the middle of a chunk, too, and complains of nothing."""
    ran = dispatch.run("sh", "-c", "seq 1 10000 | tee /dev/stderr", env=LIVE)
    shown = tailing.run("-f", "--from", str(start))
    assert shown.stdout == ran.stdout[start:]
    assert shown.stderr == ran.stderr[start:] + DONE


def test_what_is_missing_is_said(dispatch: Dispatch, tailing: Tailing, valkey: Server) -> None:
    """A gap that the wrapper left and one of trimmed entries are each said, with place, size and reason."""
    add(
        valkey,
        dispatch.name,
        {"n": 3, "o": 100, "d": "one"},
        {"n": 4, "o": 103, "g": 50},
        {"n": 5, "o": 153, "d": "two"},
    )
    shown = tailing.run()
    assert shown.stdout == b"onetwo"
    assert shown.stderr.splitlines()[:2] == [
        b"eightbells: 100 bytes of stdout from offset 0 on are missing: they are no longer kept",
        b"eightbells: 50 bytes of stdout from offset 103 on are missing: the bus was slow or away",
    ]


def test_output_that_never_came_is_said(dispatch: Dispatch, tailing: Tailing, valkey: Server) -> None:
    """The ending knows how much there was: what is missing at the end, or altogether, is said."""
    dispatch.run("sh", "-c", "echo one; sleep 0.3; echo two", env=LIVE)
    client: Any = valkey.client()
    last = client.xrevrange(keys.output(NAMESPACE, dispatch.name), count=1)[0][0]
    client.xdel(keys.output(NAMESPACE, dispatch.name), last)
    assert b"4 bytes of stdout from offset 4 on are missing" in tailing.run().stderr
    client.delete(keys.output(NAMESPACE, dispatch.name))
    assert b"no live output: EIGHTBELLS_STREAM=1 was not set" in tailing.run("-f").stderr


def test_what_was_sent_twice_is_shown_once(dispatch: Dispatch, tailing: Tailing, valkey: Server) -> None:
    """A chunk whose reply was lost comes again under its number."""
    one, two = {"n": 1, "o": 0, "d": "one"}, {"n": 2, "o": 3, "d": "two"}
    add(valkey, dispatch.name, one, two, one, two, {"n": 3, "o": 6, "d": "three"})
    assert tailing.run().stdout == b"onetwothree"


def test_each_run_is_shown(dispatch: Dispatch, tailing: Tailing) -> None:
    """Where the command was started again, all of its runs are shown, and where the next one begins."""
    dispatch.run("echo", "one", env=LIVE)
    dispatch.run("echo", "two", env={**LIVE, "EIGHTBELLS_STOP_IF_ENDED": "0"})
    shown = tailing.run()
    assert shown.stdout == b"one\ntwo\n"
    assert b"eightbells: another run of the command: " in shown.stderr


def test_a_server_that_goes_and_comes_back_is_waited_for(dispatch: Dispatch, tailing: Tailing, valkey: Server) -> None:
    """What was shown is not shown again, what came meanwhile is, and the outage is said."""
    process = dispatch.start("sh", "-c", "echo one; read go; echo two", env=LIVE, stdin=subprocess.PIPE)
    tail = tailing.start("-f")
    assert tail.stdout
    assert tail.stdout.readline() == b"one\n"
    valkey.kill()
    assert tail.stderr
    assert b"does not answer" in tail.stderr.readline()
    valkey.start()
    process.finish(b"go\n")
    shown = finish(tail)
    assert (shown.exit_code, shown.stdout) == (Exit.OK, b"two\n")


def test_an_ending_that_the_log_does_not_tell_is_found_after_a_reconnect(
    dispatch: Dispatch, tailing: Tailing, valkey: Server
) -> None:
    """A tail whose connection was cut while the ending came reads the record again, and does not wait for ever."""
    process = dispatch.start("sh", "-c", "echo one; read go; echo two", env=LIVE, stdin=subprocess.PIPE)
    dispatch.wait_for("running")
    tail = tailing.start("-f")
    assert tail.stdout
    assert tail.stdout.readline() == b"one\n"
    client: Any = valkey.client()
    connection = find_connection(valkey)
    tail.send_signal(signal.SIGSTOP)
    wait_until(lambda: is_stopped(tail), "the tail stands still")
    client.client_kill_filter(_id=connection)
    process.finish(b"go\n")
    client.delete(keys.log(NAMESPACE))
    tail.send_signal(signal.SIGCONT)
    shown = finish(tail)
    assert (shown.exit_code, shown.stdout) == (Exit.OK, b"two\n")
    assert shown.stderr.endswith(DONE)


def test_programs_read_a_line_of_json_for_each_piece(dispatch: Dispatch, tailing: Tailing, valkey: Server) -> None:
    """With -o json bytes, gaps and the ending are objects of their own, and stderr is silent."""
    ran = dispatch.run("sh", "-c", "printf 'a\\377' ; printf b >&2; exit 3", env=LIVE)
    shown = tailing.run("-f", "-o", "json")
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    data = {line["stream"]: base64.b64decode(line["data_base64"]) for line in lines if line["type"] == "output"}
    assert data == {"stdout": ran.stdout, "stderr": b"b"}
    assert {line["run"] for line in lines[:-1]} == {dispatch.ending.run}
    assert (lines[-1]["type"], lines[-1]["code"], lines[-1]["exit_code"]) == ("ending", "exit_nonzero", 3)
    assert shown.stderr == b""


def test_a_server_that_is_away_is_an_error_without_following() -> None:
    """Who does not follow does not wait."""
    arguments = [EIGHTBELLS, "tail", "d", "--url", "redis://127.0.0.1:1"]
    assert subprocess.run(arguments, capture_output=True, check=False).returncode == Exit.UNAVAILABLE


def test_pieces_that_overlap_are_put_together() -> None:
    """Of a piece that was partly seen, the rest is new; of one that was seen, nothing."""
    reassembly = Reassembly(2)
    pieces = [
        Piece("r", "stdout", 0, b"abcd"),
        Piece("r", "stdout", 3, b"defg"),
        Piece("r", "stdout", 3, b"defg"),
    ]
    shown = [one for piece in pieces for one in reassembly.take(piece)]
    assert [(one.offset, one.data) for one in shown] == [(2, b"cd"), (4, b"efg")]
