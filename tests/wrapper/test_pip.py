"""`pip install eightbells-wrapper` in a Python image: a console script beside the user's own packages and variables."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from eightbells.wrapper.console import find_paths

from tests.test_repository import ROOT
from tests.test_wheels import UV
from tests.waiting import wait_until
from tests.wrapper.wrapping import Dispatch, Wrapping, children

SHADOWED = ("select", "fcntl", "_ctypes", "_json", "_socket", "_ssl", "signal", "subprocess", "hiredis/__init__")
"""Modules that we load or might; what is built in cannot be shadowed."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of the wheel, installed into an environment of its own together with hiredis."""
    directory = tmp_path_factory.mktemp("pip")
    uv("build", "--no-build-isolation", "--python", sys.executable, "--wheel", ROOT / "wrapper", "--out-dir", directory)
    (wheel,) = directory.glob("*.whl")
    uv("venv", "--python", sys.executable, directory / "venv")
    uv("pip", "install", "--no-deps", "--python", directory / "venv/bin/python", wheel)
    (packages,) = directory.glob("venv/lib/python3.*/site-packages")
    shutil.copytree(Path(find_paths()[-1]) / "hiredis", packages / "hiredis")
    return directory / "venv/bin/eightbells-wrapper"


def uv(*words: str | Path) -> None:
    subprocess.run(
        (UV, "--quiet", "--offline", *words), check=True, timeout=25, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    )


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A directory for PYTHONPATH: modules that end who loads them, and a sitecustomize that notes who started."""
    (tmp_path / "hiredis").mkdir()
    for name in SHADOWED:
        (tmp_path / f"{name}.py").write_text("raise SystemExit(99)")
    (tmp_path / "eightbells").mkdir()
    (tmp_path / "eightbells/own.py").write_text("raise SystemExit(99)")
    note = f"import os, sys\nwith open({str(tmp_path / 'started')!r}, 'a') as file: print(os.getpid(), file=file)\n"
    (tmp_path / "sitecustomize.py").write_text(note)
    return tmp_path


def test_it_is_apart_from_the_users_packages_and_variables(dispatch: Dispatch, installed: Path, hostile: Path) -> None:
    """It reports, having loaded nothing of the user's but what Python itself loads as the script begins."""
    theirs = {"PYTHONPATH": str(hostile), "PYTHONWARNINGS": "error", "PYTHONINSPECT": "1", "PYTHONMALLOC": "debug"}
    process = dispatch.start("sh", "-c", 'echo "$PYTHONPATH"; exit 7', program=[str(installed), "--"], env=theirs)
    ran = process.finish()
    assert (ran.exit_code, ran.stdout.decode(), ran.stderr) == (7, f"{hostile}\n", b"")
    assert dispatch.states == ["running", "failed"]
    assert (hostile / "started").read_text() == f"{process.pid}\n"


def test_the_command_gets_the_users_python_back(dispatch: Dispatch, installed: Path, hostile: Path) -> None:
    """An interpreter that is the command loads what it would without us."""
    code = f"import {next(name for name in SHADOWED if name not in sys.builtin_module_names)}"
    ran = dispatch.run(sys.executable, "-c", code, program=[str(installed), "--"], env={"PYTHONPATH": str(hostile)})
    assert ran.exit_code == 99
    assert len((hostile / "started").read_text().splitlines()) == 2


def test_it_inherits_orphans(init: Wrapping, installed: Path) -> None:
    """Like PID 1, it is the parent of what the command leaves behind."""
    process = init.start("sh", "-c", "(sleep 60 & echo $!); exec sleep 60", program=[str(installed), "--"])
    assert process.stdout is not None
    orphan = int(process.stdout.readline())
    wait_until(lambda: orphan in children(process.pid), "the orphan has come to us")
