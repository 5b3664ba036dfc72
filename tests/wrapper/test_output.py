"""Output goes through byte for byte, whatever it is and whoever reads it."""

import fcntl
import hashlib
import os
import signal
import sys
import termios
from pathlib import Path
from typing import IO

import pytest

from tests.waiting import wait_until
from tests.wrapper.wrapping import PYTHON, Dispatch, Wrapping

EVERY_BYTE = bytes(range(256)) * 3
PIECES = [b"", b"\0", b"no newline", b"\xff\xfe\n", "ünïcödé ⛵\n".encode(), b"progress\r", EVERY_BYTE]


def writer(data: str) -> list[str]:
    """A command that writes what this expression is to its stdout, however often it takes."""
    return [*PYTHON, f"import posix\ndata={data}\nwhile data: data=data[posix.write(1,data):]"]


@pytest.mark.parametrize("data", PIECES, ids=lambda data: repr(data)[2:12])
def test_any_bytes_pass_through_both_streams(dispatch: Dispatch, data: bytes) -> None:
    """What the command writes is what the container's streams get, NUL and invalid UTF-8 included."""
    code = f"import posix; posix.write(1, {data!r}); posix.write(2, {data!r})"
    ran = dispatch.run(*PYTHON, code)
    assert (ran.stdout, ran.stderr) == (data, data)
    ending = dispatch.ending
    assert ending.stdout is not None
    assert ending.stderr is not None
    assert ending.stdout.total_bytes == ending.stderr.total_bytes == len(data)


def test_fifty_megabytes_without_a_newline_pass(dispatch: Dispatch, tmp_path: Path) -> None:
    """Much output arrives whole, and is counted to the byte."""
    code = "import posix\nb=bytes(range(1,251))*4000\nfor i in range(50):\n d=b\n while d: d=d[posix.write(1,d):]"
    with (tmp_path / "out").open("wb") as out:
        process = dispatch.start(*PYTHON, code, stdout=out)
        assert process.finish().exit_code == 0
    got = hashlib.sha256((tmp_path / "out").read_bytes()).digest()
    assert got == hashlib.sha256(bytes(range(1, 251)) * 4000 * 50).digest()
    assert dispatch.ending.stdout is not None
    assert dispatch.ending.stdout.total_bytes == 50_000_000
    assert dispatch.ending.warnings == ()


def test_what_was_written_before_the_end_arrives_at_a_reader_that_was_asleep(dispatch: Dispatch) -> None:
    """64 KiB written just before the exit are not lost when nobody has read a byte until then."""
    process = dispatch.start(*writer("b'x' * 65536"))
    wait_until(lambda: dispatch.states, "the command runs")
    assert process.stdout is not None
    assert len(process.stdout.read()) == 65536
    assert process.finish().exit_code == 0


@pytest.mark.parametrize("closed", ["<&- 2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_stays_closed(dispatch: Dispatch, closed: str) -> None:
    """Started without some stream, the command has none, and nothing of ours takes its number."""
    code = "import posix\nfound = 0\nfor n in (0, 1, 2):\n try: posix.fstat(n); found += 1\n except OSError: pass"
    code += "\nposix._exit(found)"
    said = {"EIGHTBELLS_NONSENSE": "which is worth a line on stderr"}
    ran = dispatch.run(*PYTHON, code, prefix=("sh", "-c", f'exec "$@" {closed}', "sh"), env=said)
    assert ran.exit_code == 3 - closed.count("-")
    assert dispatch.ending.exit_code == ran.exit_code
    assert (dispatch.ending.stderr is None) == ("2>" in closed)


def test_the_tail_is_true_in_whatever_pieces_it_comes(dispatch: Dispatch) -> None:
    """What was read last does not disturb what was read before, nor the other way round."""
    code = "import posix\nposix.write(1, b'a' * 14000)\nposix.read(0, 1)\nposix.write(1, b'b' * 10000)"
    process = dispatch.start(*PYTHON, code, stdin=-1)
    assert process.stdout is not None
    assert process.stdout.read(14000) == b"a" * 14000
    process.finish(b"x")
    assert dispatch.ending.stdout is not None
    assert dispatch.ending.stdout.tail == "a" * 2288 + "b" * 10000


def test_both_streams_in_one_file_keep_their_order(dispatch: Dispatch, tmp_path: Path) -> None:
    """Where stdout and stderr are one open file, their lines are in the order in which they were written."""
    lines = "for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done"
    with (tmp_path / "log").open("wb") as log:
        dispatch.start("sh", "-c", lines, stdout=log, stderr=log).finish()
    text = (tmp_path / "log").read_text()
    assert text == "".join(f"out {i}\nerr {i}\n" for i in range(1, 10))
    assert dispatch.ending.stdout is not None
    assert dispatch.ending.stdout.tail == text
    assert dispatch.ending.stderr is None


@pytest.mark.parametrize("target", ["/dev/stdout", "/proc/self/fd/1"])
def test_a_command_may_open_its_stdout_by_name(dispatch: Dispatch, target: str) -> None:
    """`> /dev/stdout` works as without us and is captured."""
    assert dispatch.run("sh", "-c", f"echo there > {target}").stdout == b"there\n"
    assert dispatch.ending.stdout is not None
    assert dispatch.ending.stdout.tail == "there\n"


def test_a_reader_that_has_gone_does_not_change_the_command(dispatch: Dispatch) -> None:
    """When nobody reads our stdout any more, the command goes on, and the event says what was lost."""
    process = dispatch.start("sh", "-c", "read go; yes | head -c 200000; exit 4", stdin=-1)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    assert process.finish(b"go\n").exit_code == 4
    assert dispatch.ending.exit_code == 4
    assert "200000 bytes of stdout could not be passed on: nobody reads it any more" in dispatch.ending.warnings


def test_a_full_disk_does_not_change_the_command(dispatch: Dispatch) -> None:
    """Without room for the output the command goes on, and the event says what was lost and still has it."""
    with Path("/dev/full").open("wb") as full:
        process = dispatch.start("sh", "-c", "echo lost; exit 4", stdout=full)
        assert process.finish().exit_code == 4
    assert "5 bytes of stdout could not be passed on: No space left on device" in dispatch.ending.warnings
    assert dispatch.ending.stdout is not None
    assert dispatch.ending.stdout.tail == "lost\n"


def test_a_sink_that_somebody_made_non_blocking_gets_everything(dispatch: Dispatch) -> None:
    """An inherited stdout in non-blocking mode is waited for, and left in the mode in which it was."""
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    process = dispatch.start(*writer("b'y' * 500_000"), stdout=sink)
    with os.fdopen(source, "rb") as pipe:
        wait_until(lambda: dispatch.states, "the command runs")
        assert not os.get_blocking(sink)
        os.close(sink)
        assert pipe.read() == b"y" * 500_000
    assert process.finish().exit_code == 0


def test_a_reader_that_stalls_is_not_waited_for_beyond_the_drain(dispatch: Dispatch) -> None:
    """A log reader that has stopped reading delays the end by EIGHTBELLS_DRAIN at most, and signals still arrive."""
    script = "trap 'exit 9' TERM; yes & wait"
    process = dispatch.start("sh", "-c", script, env={"EIGHTBELLS_DRAIN": "200ms"})
    assert process.stdout is not None
    wait_until(lambda: waiting_bytes(process.stdout) == 65536, "the pipe to the reader is full")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 9
    assert any("stdout did not come to rest within 0.2 s" in warning for warning in dispatch.ending.warnings)


def waiting_bytes(pipe: IO[bytes] | None) -> int:
    """How much of what was written into the pipe has not been read."""
    assert pipe is not None
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_without_capture_the_command_gets_our_own_streams(dispatch: Dispatch, tmp_path: Path) -> None:
    """EIGHTBELLS_CAPTURE=off hands the descriptors over untouched, and the event has no output."""
    with (tmp_path / "out").open("wb") as out:
        process = dispatch.start(
            "sh", "-c", "exec 3>&1; readlink /proc/self/fd/3 >&2", stdout=out, env={"EIGHTBELLS_CAPTURE": "off"}
        )
        assert process.finish().stderr.decode().strip() == str(tmp_path / "out")
    assert (dispatch.ending.stdout, dispatch.ending.stderr) == (None, None)


def test_a_plain_init_captures_nothing(init: Wrapping, tmp_path: Path) -> None:
    """With nothing to report there is no pipe between the command and its streams."""
    with (tmp_path / "out").open("wb") as out:
        process = init.start("sh", "-c", "exec 3>&1; readlink /proc/self/fd/3 >&2", stdout=out)
        assert process.finish().stderr.decode().splitlines()[-1] == str(tmp_path / "out")
