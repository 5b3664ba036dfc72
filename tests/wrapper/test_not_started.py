"""A command that cannot start ends like in a shell, and the event says what is missing."""

import os
import shutil
from pathlib import Path

import pytest

from tests.wrapper.wrapping import Dispatch, Wrapping


def write(path: Path, text: str | bytes, mode: int = 0o755) -> str:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("name", ["no-such-command", "/no/such/command", "/etc/passwd/command", ""])
def test_what_is_not_there_is_127(dispatch: Dispatch, name: str) -> None:
    """A command that does not exist, by name or by path, is 127; it never ran and its dispatch has failed."""
    ran = dispatch.run(name)
    ending = dispatch.ending
    assert ran.exit_code == 127
    assert b"command not found" in ran.stderr
    assert dispatch.states == ["failed"]
    assert (ending.code, ending.exit_code, ending.fault, ending.retryable) == ("command_not_found", 127, "config", "no")
    assert ending.started_at is None
    assert ending.remedy


def test_no_command_at_all_is_127(dispatch: Dispatch) -> None:
    """An image without a command says how to give one."""
    ran = dispatch.run()
    assert ran.exit_code == 127
    assert b"eightbells-wrapper -- COMMAND" in ran.stderr
    assert dispatch.ending.code == "command_not_found"


def test_what_cannot_be_executed_is_126(dispatch: Dispatch, tmp_path: Path) -> None:
    """A file without the permission is 126."""
    ran = dispatch.run(write(tmp_path / "text", "#!/bin/sh\n", 0o644))
    assert ran.exit_code == 126
    assert dispatch.ending.code == "command_not_executable"
    assert "permission denied" in (dispatch.ending.message or "")


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv (util-linux)")
def test_what_lies_in_a_closed_directory_is_126(dispatch: Dispatch, tmp_path: Path) -> None:
    """A command on a path that is closed to the container's user is 126, also to root who may not pass everywhere."""
    (tmp_path / "closed").mkdir()
    tool = write(tmp_path / "closed/tool", "#!/bin/sh\n")
    os.chown(tmp_path / "closed", 1, 1)
    (tmp_path / "closed").chmod(0o700)
    ran = dispatch.run(tool, prefix=("setpriv", "--bounding-set", "-all", "--"))
    assert ran.exit_code == 126
    assert b"permission denied" in ran.stderr
    assert dispatch.ending.code == "command_not_executable"


def test_a_directory_is_126(dispatch: Dispatch, tmp_path: Path) -> None:
    """A directory is 126 and called one."""
    assert dispatch.run(str(tmp_path)).exit_code == 126
    assert dispatch.ending.code == "command_not_executable"
    assert "directory" in (dispatch.ending.message or "")


@pytest.mark.parametrize("interpreter", ["/no/such/interpreter", "/no/such/interpreter -x"])
def test_a_missing_interpreter_is_named(dispatch: Dispatch, tmp_path: Path, interpreter: str) -> None:
    """A script whose interpreter is not there is 127, and the interpreter is named."""
    assert dispatch.run(write(tmp_path / "script", f"#!{interpreter}\necho hello\n")).exit_code == 127
    assert dispatch.ending.code == "command_not_found"
    assert "/no/such/interpreter is not there" in (dispatch.ending.message or "")


def test_a_missing_loader_is_named(dispatch: Dispatch, tmp_path: Path) -> None:
    """A program for another libc is 127, and the loader that it asks for is named."""
    program = Path("/bin/true").read_bytes().replace(b"/lib64/ld-linux-x86-64.so.2", b"/lib64/ld-musl-x86-64.so.99")
    program = program.replace(b"/lib/ld-linux-aarch64.so.1", b"/lib/ld-musl-aarch64.so.9")
    assert dispatch.run(write(tmp_path / "foreign", program)).exit_code == 127
    assert "/ld-musl-" in (dispatch.ending.message or "")


def test_a_script_without_an_interpreter_line_is_run_by_the_shell(init: Wrapping, tmp_path: Path) -> None:
    """As execvp would, with its arguments and its own name."""
    script = write(tmp_path / "plain", 'echo "$0 $1 $2"\nexit 3\n')
    ran = init.run(script, "one", "two words")
    assert (ran.exit_code, ran.stdout.decode()) == (3, f"{script} one two words\n")


def test_a_later_directory_of_the_path_may_have_it(init: Wrapping, tmp_path: Path) -> None:
    """A file that cannot be executed does not hide one further on."""
    for name, mode in (("first", 0o644), ("second", 0o755)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "tool", f"#!/bin/sh\necho {name}\n", mode)
    path = f"/nowhere:{tmp_path}/first:{tmp_path}/second:{os.environ['PATH']}"
    assert init.run("tool", env={"PATH": path}).stdout == b"second\n"
