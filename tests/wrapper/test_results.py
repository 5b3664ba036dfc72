"""The result file: what the command leaves in it is in its event, if it is JSON, and never does any harm."""

import json
import os
from pathlib import Path

import pytest
from eightbells.wrapper.results import BYTES, read

from tests.wrapper.wrapping import PYTHON, Dispatch

LEAVE = ("sh", "-c", 'printf %s "$1" > "$EIGHTBELLS_RESULT"; exit "${2:-0}"', "sh")
INVALID = [
    "",
    "{",
    "{} {}",
    "NaN",
    '{"a": Infinity}',
    "1e999",
    '"\\ud800"',
    "[" * 9000 + "]" * 9000,
    "9" * 6000,
    b"\xff",
]

WRITE = "open(posix.environ[b'EIGHTBELLS_RESULT'], 'w').write(chr(34) + 'x' * 60000 + chr(34))"


@pytest.fixture
def result(dispatch: Dispatch, tmp_path: Path) -> Path:
    """Where the result goes, with one of an earlier run."""
    path = tmp_path / "result.json"
    path.write_text('"of an earlier run"')
    dispatch.environment["EIGHTBELLS_RESULT"] = str(path)
    return path


@pytest.mark.parametrize("code", [0, 7])
def test_what_the_command_left_is_in_the_event(dispatch: Dispatch, result: Path, code: int) -> None:
    """Any JSON, whether the command ended well or not."""
    left = {"score": 0.25, "names": ["ü", None, True], "n": 2**53 - 1}
    ending = dispatch.end(*LEAVE, f" {json.dumps(left)}\n", str(code))
    assert (ending.exit_code, ending.result, ending.warnings) == (code, left, ())


def test_no_result_is_no_matter(dispatch: Dispatch, result: Path) -> None:
    """Nothing left is nothing said, and what an earlier run left does not count."""
    ending = dispatch.end("true")
    assert (ending.code, ending.result, ending.warnings) == ("exited_zero", None, ())


@pytest.mark.parametrize("left", INVALID, ids=lambda left: repr(left)[:12])
def test_what_is_no_json_is_a_warning(dispatch: Dispatch, result: Path, left: str | bytes) -> None:
    """The success stands, and the warning names the file."""
    ending = dispatch.end(*LEAVE, left)
    assert (ending.state, ending.code, ending.result) == ("completed", "exited_zero", None)
    assert ending.warnings[0].startswith(f"the result {result} is left out: ")
    assert ending.warnings[1:] == ()


@pytest.mark.parametrize(
    "script",
    [
        "true",
        "echo { > $EIGHTBELLS_RESULT",
        "echo 1 > $EIGHTBELLS_RESULT.1; ln -s $EIGHTBELLS_RESULT.1 $EIGHTBELLS_RESULT",
        "mkfifo $EIGHTBELLS_RESULT",
        "mkdir $EIGHTBELLS_RESULT",
    ],
)
def test_a_result_that_is_required_is_part_of_success(dispatch: Dispatch, result: Path, script: str) -> None:
    """Without a valid one the dispatch has failed as result_invalid; the container's exit code stays the command's."""
    ran = dispatch.run("sh", "-c", script, env={"EIGHTBELLS_RESULT_REQUIRED": "1"})
    ending = dispatch.ending
    assert ran.exit_code == 0
    assert (ending.state, ending.code, ending.exit_code) == ("failed", "result_invalid", 0)
    assert (ending.fault, ending.retryable, ending.charged) == ("user", "no", True)


def test_a_result_is_a_file_of_64_kib_at_most(tmp_path: Path) -> None:
    """So many bytes are read, one more is refused, and so is what is no file, without reading it."""
    path = tmp_path / "result"
    path.write_bytes(b"1" * BYTES)
    assert len(read(str(path))) == BYTES
    path.write_bytes(b"1" * (BYTES + 1))
    with pytest.raises(ValueError, match="longer than 64 KiB"):
        read(str(path))
    with pytest.raises(ValueError, match="no regular file"):
        read("/dev/zero")


def test_another_warning_stays_beside_that_of_the_result(dispatch: Dispatch, result: Path) -> None:
    """Both are told, that of the result first."""
    full = os.open("/dev/full", os.O_WRONLY)
    ending = dispatch.end(*LEAVE[:2], "echo lost; echo { > $EIGHTBELLS_RESULT", stdout=full)
    os.close(full)
    first, second = ending.warnings
    assert "is left out" in first
    assert "could not be passed on" in second


def test_a_failure_is_not_renamed_for_want_of_a_result(dispatch: Dispatch, result: Path) -> None:
    """A command that failed is told by its exit code, with a warning."""
    ending = dispatch.end("sh", "-c", "exit 7", env={"EIGHTBELLS_RESULT_REQUIRED": "1"})
    assert (ending.code, ending.exit_code, len(ending.warnings)) == ("exit_nonzero", 7, 1)


@pytest.mark.parametrize(("size", "word"), [(65_000, "the event is full"), (70_000, "longer than 64 KiB")])
def test_a_result_gives_way_after_the_output_and_before_all_else(
    dispatch: Dispatch, result: Path, size: int, word: str
) -> None:
    """One that does not fit is left out with a warning, and the output is there again."""
    code = f"import posix; posix.write(1, b'y' * 9000)\n{WRITE}".replace("60000", str(size))
    ending = dispatch.end(*PYTHON, code)
    assert (ending.code, ending.result) == ("exited_zero", None)
    assert word in ending.warnings[0]
    assert ending.stdout is not None
    assert len(ending.stdout.tail) == 9000


def test_output_gives_way_to_a_result(dispatch: Dispatch, result: Path) -> None:
    """A result that fits without all of the output is there, and the output is truncated."""
    code = f"import posix; posix.write(1, b'y' * 16000)\n{WRITE}"
    ending = dispatch.end(*PYTHON, code)
    assert ending.result == "x" * 60_000
    assert ending.stdout is not None
    assert ending.stdout.truncated


@pytest.mark.parametrize("path", ["/proc/nowhere/result", "/no/such/directory/result"])
def test_where_nothing_can_be_written_the_command_is_not_told(dispatch: Dispatch, path: str) -> None:
    """The variable is not set, and no other of ours ever is."""
    ran = dispatch.run("env", env={"EIGHTBELLS_RESULT": path})
    assert b"EIGHTBELLS_" not in ran.stdout
