"""A file of the runtime that is missing or cut costs a command nothing, unless it is needed to start it."""

import shutil
from pathlib import Path

import pytest

from tests.runtime.conftest import BUS
from tests.runtime.roots import Root, copy_root
from tests.wrapper.wrapping import Dispatch

FAILS = ("/busybox", "sh", "-c", "echo there; exit 7")
CUT_BYTES = 40
"""Of each file; whatever is mapped beyond its end would be a bus error, for any program."""


@pytest.fixture
def damaged(bare: Root, runtime: Path, tmp_path: Path) -> Root:
    """A root with a runtime of its own, whose files are links and must not be written to."""
    copy_root(runtime, tmp_path / "damaged")
    bare.write("/etc/hosts", f"127.0.0.1 {BUS}\n")
    return Root(bare.path, tmp_path / "damaged")


@pytest.mark.timeout(150)
@pytest.mark.parametrize("way", ["missing", "cut"])
@pytest.mark.parametrize("folder", ["eightbells/wrapper", "eightbells/events", "hiredis", "lib-dynload"])
def test_a_file_that_is_damaged_costs_no_exit_code(dispatch: Dispatch, damaged: Root, folder: str, way: str) -> None:
    """The command ends as it would have, whichever file it is; the ending is published, or a line says why not."""
    files = [path for path in sorted((damaged.runtime / "lib/python3.11" / folder).rglob("*")) if path.is_file()]
    assert files
    for number, file in enumerate(files):
        kept = shutil.move(file, damaged.path.parent / "kept")
        if way == "cut":
            file.write_bytes(Path(kept).read_bytes()[:CUT_BYTES])
        dispatch.name = dispatch.environment["EIGHTBELLS_DISPATCH_ID"] = f"d{number}"
        ran = dispatch.run(*FAILS, program=damaged.entry(), env={"EIGHTBELLS_STREAM": "1"})
        file.unlink(missing_ok=True)
        shutil.move(kept, file)
        assert (ran.exit_code, ran.stdout) == (7, b"there\n"), file
        assert b"Traceback" not in ran.stderr, file
        assert b"eightbells-wrapper: " in ran.stderr or dispatch.ending.exit_code == 7, file


@pytest.mark.parametrize("way", ["missing", "cut"])
def test_what_hides_us_is_not_what_the_command_waits_for(dispatch: Dispatch, damaged: Root, way: str) -> None:
    """Without the module that makes us unreadable the command runs, the ending is told, and stderr names the risk."""
    (file,) = damaged.runtime.glob("lib/python3.11/eightbells/wrapper/prctl.*")
    start = file.read_bytes()[:CUT_BYTES]
    file.unlink()
    if way == "cut":
        file.write_bytes(start)
    ran = dispatch.run(*FAILS, program=damaged.entry())
    assert ran.exit_code == 7
    assert ran.stderr.startswith(b"eightbells-wrapper: the command can read our environment: ")
    assert dispatch.states == ["running", "failed"]
