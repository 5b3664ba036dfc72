"""Where a part of us is missing, cut or wrong, the init goes on: the exit code stands, a line says what is not done."""

import pytest

from tests.wrapper.test_terminal import Screen
from tests.wrapper.wrapping import WRAPPER, Dispatch, Wrapping
from tools.runtime.bytecode import find_early
from tools.runtime.tree import WRAPPER as SOURCES

FAILS = ("sh", "-c", "echo there; exit 7")
WITHOUT_REPORT = {"address", "bus", "connection", "document", "excerpts", "live", "record", "reporter", "reports"}
WITHOUT_REPORT |= {"pumps", "results", "target", "termination", "trace"}
WITH_REPORT = {"backlog", "prctl", "windows"}
ELSEWHERE = {"check", "console", "terminal", "tls"}
"""What a run does not load, without a terminal and TLS."""

MISSING = "import sys; sys.modules[{name!r}] = None\n"
CUT = """import sys
class Cut:
    def find_spec(name, path, target=None):
        if name == {name!r}:
            raise EOFError("marshal data too short")
sys.meta_path.insert(0, Cut)
"""
"""How the import of a file fails that is not there, and that of one which is shorter than it was."""


def broken(code: str) -> list[str]:
    """The words that start a wrapper after this."""
    return [*WRAPPER[:-2], code + WRAPPER[-2], "--"]


def test_every_part_is_tried() -> None:
    """What is loaded before the spawn apart, each of our modules is in one of the lists below."""
    early = {name.rpartition(".")[2] for name in find_early()}
    modules = {path.stem for path in (SOURCES / "eightbells/wrapper").glob("*.py")} - {"__init__"}
    assert modules - (early - {"pumps"}) == WITHOUT_REPORT | WITH_REPORT | ELSEWHERE


@pytest.mark.parametrize("way", [MISSING, CUT], ids=["missing", "cut"])
@pytest.mark.parametrize("name", sorted(WITHOUT_REPORT | WITH_REPORT))
def test_a_module_that_cannot_be_loaded_costs_no_exit_code(dispatch: Dispatch, name: str, way: str) -> None:
    """The command runs and ends as it would have, and stderr says so; where the rest suffices, the ending is told."""
    code = way.format(name=f"eightbells.wrapper.{name}")
    ran = dispatch.run(*FAILS, program=broken(code), env={"EIGHTBELLS_STREAM": "1"})
    assert (ran.exit_code, ran.stdout) == (7, b"there\n")
    assert (f"eightbells.wrapper.{name}" if way == MISSING else "EOFError").encode() in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert dispatch.states == (["running", "failed"] if name in WITH_REPORT else [])


@pytest.mark.parametrize("way", [MISSING, CUT], ids=["missing", "cut"])
def test_an_interpreter_without_libffi_costs_no_exit_code(dispatch: Dispatch, way: str) -> None:
    """What pip installs cannot hide without it: the command runs, the ending is told, and stderr names the risk."""
    ran = dispatch.run(*FAILS, program=broken(way.format(name="_ctypes")))
    assert (ran.exit_code, ran.stdout) == (7, b"there\n")
    assert ran.stderr.startswith(b"eightbells-wrapper: the command can read our environment: ")
    assert dispatch.states == ["running", "failed"]


def test_a_flood_is_passed_on_without_what_keeps_it(dispatch: Dispatch) -> None:
    """Where the output cannot be kept for the report, the pipe is read to its end all the same."""
    code = CUT.format(name="eightbells.wrapper.windows")
    ran = dispatch.run("sh", "-c", "yes | head -c 500000; exit 7", program=broken(code))
    assert (ran.exit_code, len(ran.stdout)) == (7, 500_000)
    assert dispatch.ending.stdout is None


@pytest.mark.parametrize("way", [MISSING, CUT], ids=["missing", "cut"])
@pytest.mark.parametrize("name", ["eightbells.wrapper.tls", "_ssl"])
def test_tls_that_cannot_be_loaded_costs_no_exit_code(dispatch: Dispatch, name: str, way: str) -> None:
    """With rediss:// the ending is not published, and that is said."""
    url = dispatch.environment["EIGHTBELLS_URL"].replace("redis://", "rediss://")
    ran = dispatch.run(*FAILS, program=broken(way.format(name=name)), env={"EIGHTBELLS_URL": url})
    assert (ran.exit_code, ran.stdout) == (7, b"there\n")
    assert b"the ending was not published: " in ran.stderr


@pytest.mark.parametrize("way", [MISSING, CUT], ids=["missing", "cut"])
@pytest.mark.parametrize(
    ("name", "script", "said"),
    [
        ("eightbells.wrapper.terminal", "echo there; exit 7", b"the command is not given the terminal: "),
        ("termios", "read line; echo there; exit 7", b"what the command does to the terminal is not undone: "),
    ],
)
def test_a_terminal_without_its_modules_costs_no_exit_code(
    init: Wrapping, name: str, script: str, said: bytes, way: str
) -> None:
    """On a terminal, too, the command runs as it would have; without our part of it as long as it does not read."""
    screen = Screen()
    try:
        process = screen.start(init, "sh", "-c", script, program=broken(way.format(name=name)))
        screen.sees(said)
        screen.type(b"x\n")
        screen.sees(b"there")
        assert process.wait(20) == 7
    finally:
        screen.close()


@pytest.mark.parametrize("way", [MISSING, CUT], ids=["missing", "cut"])
@pytest.mark.parametrize("question", ["--check", "--version"])
def test_a_question_that_cannot_be_answered_is_a_line(init: Wrapping, question: str, way: str) -> None:
    """Whoever asks about a wrapper that is not whole is told so, with exit code 1."""
    ran = init.run(question, program=broken(way.format(name="eightbells.wrapper.check"))[:-1])
    assert ran.exit_code == 1
    assert ran.stderr.startswith(f"eightbells-wrapper: {question} fails: ".encode())
    assert ran.stderr.count(b"\n") == 1


@pytest.mark.parametrize("crash", ["MemoryError()", "SystemExit(3)", "RecursionError('deep')", "TypeError('a bug')"])
def test_a_crash_in_reporting_costs_no_exit_code(dispatch: Dispatch, crash: str) -> None:
    """A bug in the reporter's thread is a line on stderr."""
    code = f"from eightbells.wrapper import bus\ndef crash(*words): raise {crash}\nbus.Bus.publish = crash\n"
    ran = dispatch.run(*FAILS, program=after_paths(code))
    assert (ran.exit_code, ran.stdout) == (7, b"there\n")
    assert f"the ending was not published: {crash.partition('(')[0]}".encode() in ran.stderr


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("memory.find_directories", "memory is not watched"),
        ("memory.Memory.complaint", "memory was not watched"),
        ("prctl.hide", "the command can read our environment"),
        ("pumps.open_streams", "the output is not captured"),
        ("reporter.Reporter.__init__", "nothing is reported"),
        ("pumps.Quiet.__init__", "the end of the output was not waited for"),
        ("record.Record.finish", "there is no termination message"),
        ("reports.Run.final", "there is no termination message"),
        ("reporter.Reporter.end", "the ending was not published"),
    ],
)
def test_a_bug_beside_the_command_costs_no_exit_code(dispatch: Dispatch, place: str, said: str) -> None:
    """Whatever goes wrong in the init's own thread, before the spawn and after the end, is a line on stderr."""
    module, _, name = place.partition(".")
    code = f"from eightbells.wrapper import {module}\ndef crash(*words, **more): raise KeyError('a bug')\n"
    ran = dispatch.run(*FAILS, program=after_paths(f"{code}{module}.{name} = crash\n"))
    assert (ran.exit_code, ran.stdout) == (7, b"there\n")
    assert f"eightbells-wrapper: {said}: KeyError".encode() in ran.stderr


def after_paths(code: str) -> list[str]:
    """The words that start a wrapper after this, which may import us."""
    start = WRAPPER[-2].replace("from eightbells.wrapper.main", f"{code}from eightbells.wrapper.main")
    return [*WRAPPER[:-2], start, "--"]
