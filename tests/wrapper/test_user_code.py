"""USER_CODE, the older way to say what is to be run: Python for the image's own interpreter."""

import sys
from pathlib import Path

import pytest

from tests.wrapper.wrapping import Dispatch, Wrapping

CODE = "import sys; print('ran'); sys.exit(7)"


@pytest.mark.parametrize("name", ["python3", "python"])
def test_code_is_run_by_the_images_python(init: Wrapping, tmp_path: Path, name: str) -> None:
    """Without a command USER_CODE is run by python3, or python where only that is there, with its exit code."""
    (tmp_path / name).symlink_to(sys.executable)
    ran = init.run(env={"USER_CODE": CODE, "PATH": str(tmp_path)})
    assert (ran.exit_code, ran.stdout) == (7, b"ran\n")


def test_python3_goes_first(init: Wrapping, tmp_path: Path) -> None:
    """Where both are there it is python3."""
    for name in ("python3", "python"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} $1\n")
        (tmp_path / name).chmod(0o755)
    assert init.run(env={"USER_CODE": CODE, "PATH": str(tmp_path)}).stdout == b"python3 -c\n"


def test_a_command_goes_before_code(init: Wrapping) -> None:
    """With a command USER_CODE is only a variable of the user's."""
    assert init.run("sh", "-c", "echo $USER_CODE", env={"USER_CODE": "1"}).stdout == b"1\n"


def test_without_python_it_is_said(dispatch: Dispatch, tmp_path: Path) -> None:
    """An image without Python is 127 and the ending says what is missing."""
    ran = dispatch.run(env={"USER_CODE": CODE, "PATH": str(tmp_path)})
    assert ran.exit_code == 127
    assert b"this image has no Python to run USER_CODE with" in ran.stderr
    assert dispatch.ending.code == "command_not_found"
