"""The termination message: word of this run in a file, for who does not hear it from the bus."""

import random
import signal
import subprocess
from pathlib import Path
from subprocess import PIPE

import pytest
from eightbells.events.schema import Data
from eightbells.wrapper.console import find_paths
from eightbells.wrapper.termination import LIMIT
from msgspec.json import decode

from tests.waiting import wait_until
from tests.wrapper.wrapping import PYTHON, Dispatch

NOBODY = {"EIGHTBELLS_URL": "redis://127.0.0.1:1/0", "EIGHTBELLS_PUBLISH_TIMEOUT": "0"}


@pytest.fixture
def log(dispatch: Dispatch, tmp_path: Path) -> Path:
    """The file as the kubelet makes it: there, empty."""
    path = tmp_path / "termination-log"
    path.touch()
    dispatch.environment["EIGHTBELLS_TERMINATION_LOG"] = str(path)
    return path


def record(log: Path) -> Data:
    content = log.read_bytes()
    assert len(content) <= LIMIT
    return decode(content, type=Data)


@pytest.mark.parametrize("bus", [{}, NOBODY, {"EIGHTBELLS_URL": "nonsense"}], ids=["bus", "nobody", "no URL"])
def test_the_file_says_how_the_command_ended(dispatch: Dispatch, log: Path, bus: dict[str, str]) -> None:
    """Whether the bus has heard it or not, the file has code, exit code, run, times and the end of the output."""
    dispatch.run("sh", "-c", "echo out; echo err >&2; exit 7", env=bus)
    found = record(log)
    assert log.read_bytes().startswith(b'{"code":"exit_nonzero",')
    assert (found.state, found.dispatch_id, found.exit_code) == ("failed", dispatch.name, 7)
    assert found.stdout is not None
    assert found.stderr is not None
    assert (found.stdout.tail, found.stderr.tail) == ("out\n", "err\n")
    if not bus:
        assert (found.run, found.finished_at) == (dispatch.ending.run, dispatch.ending.finished_at)


def test_a_reporter_that_gave_up_leaves_the_last_word_to_the_file(dispatch: Dispatch, log: Path) -> None:
    """Where the thread that reports has ended long before the command, the file still says how that ended."""
    started = dispatch.start("sh", "-c", "read line; exit 7", env={"EIGHTBELLS_URL": "nonsense"}, stdin=PIPE)
    wait_until(log.read_bytes, "the first record")
    pumps_and_main = 3
    wait_until(lambda: len(list(Path(f"/proc/{started.pid}/task").iterdir())) == pumps_and_main, "it has given up")
    assert started.finish(b"\n").exit_code == 7
    assert record(log).code == "exit_nonzero"


def test_while_the_command_runs_the_file_says_so(dispatch: Dispatch, log: Path) -> None:
    """From the start on it has a provisional record, which follows the output and has no verdict."""
    started = dispatch.start(
        "sh", "-c", "echo epoch 1; sleep 0.2; echo epoch 2; exec sleep 60", env={"EIGHTBELLS_HEARTBEAT": "50ms"}
    )
    wait_until(log.read_bytes, "the first record")
    wait_until(lambda: b"epoch 2" in log.read_bytes(), "epoch 2")
    wait_until(lambda: b'"attempt":1,' in log.read_bytes(), "the number of the run, which the bus has told")
    started.kill()  # who reads beside a writer may see half of each: the kubelet reads when all is over
    started.wait()
    found = record(log)
    assert (found.state, found.code, found.exit_code, found.finished_at) == ("running", None, None, None)
    assert found.started_at is not None
    assert found.run == dispatch.wait_for("running").run


def test_a_command_that_never_started_is_there_too(dispatch: Dispatch, log: Path) -> None:
    """Where no bus is, the file is the only one who can say what was missing."""
    dispatch.run("no-such-command", env=NOBODY)
    assert record(log).code == "command_not_found"


def test_what_the_command_left_there_is_kept(dispatch: Dispatch, log: Path) -> None:
    """The command's own message is never overwritten while it runs, and the event and the record quote it."""
    script = f"printf 'disk 7 is full\n' > {log}; echo x; sleep 0.3; cat {log} >&2; exit 4"
    ran = dispatch.run("sh", "-c", script, env={"EIGHTBELLS_HEARTBEAT": "20ms"})
    assert ran.stderr == b"disk 7 is full\n"
    for found in (record(log), dispatch.ending):
        assert (found.code, found.message, found.explanation) == ("exit_nonzero", "disk 7 is full", "exited with 4")


@pytest.mark.parametrize(
    "script",
    [
        "for i in 1 2 3; do echo line $i >> $LOG; sleep 0.1; done",
        "for i in 1 2 3; do echo line $i | tee -a $LOG > /dev/null; sleep 0.1; done",
        "echo line 1 > $LOG; sleep 0.1; printf 'line 2\nline 3\n' >> $LOG",
        "printf 'line 1\nline 2\nline 3\n' 1<> $LOG",
    ],
    ids=["append", "tee", "instead", "over"],
)
def test_what_the_command_adds_to_our_record_is_kept(dispatch: Dispatch, log: Path, script: str) -> None:
    """Written behind our provisional record, over it or instead, the command's words are all there, and no other."""
    begun = f"LOG={log}; while ! grep -q running $LOG; do :; done; "
    told = {"EIGHTBELLS_HEARTBEAT": "10ms"}
    dispatch.run("sh", "-c", f"{begun}{script}; i=0; while [ $((i += 1)) -le 9 ]; do echo $i; done; exit 4", env=told)
    for found in (record(log), dispatch.ending):
        assert (found.code, found.message) == ("exit_nonzero", "line 1\nline 2\nline 3")


def test_the_record_follows_the_output_while_the_command_appends(dispatch: Dispatch, log: Path) -> None:
    """What the command has appended does not keep its run's record from being refreshed, and stays as it is."""
    script = f"while ! grep -q running {log}; do :; done; echo mine >> {log}; echo epoch 2; exec sleep 60"
    started = dispatch.start("sh", "-c", script, env={"EIGHTBELLS_HEARTBEAT": "20ms"})
    wait_until(lambda: b"epoch 2" in log.read_bytes(), "epoch 2")
    started.kill()
    started.wait()
    ours, _, theirs = log.read_bytes().rpartition(b"}")
    assert decode(ours + b"}", type=Data).state == "running"
    assert theirs.strip() == b"mine"


def test_what_the_command_left_is_cut_between_characters(dispatch: Dispatch, log: Path) -> None:
    """Of a long message the event has the first 4 KiB, the record what fits, and neither half a character."""
    text = "x" + "€" * 5000
    (log.parent / "text").write_text(text)
    dispatch.run("sh", "-c", f"echo out; cat {log.parent}/text > {log}; exit 4")
    quoted = [found.message or "" for found in (dispatch.ending, record(log))]
    assert all(text.startswith(message) for message in quoted)
    assert [len(message.encode()) for message in quoted] == [4096, 1000]
    assert record(log).stdout is not None


def test_our_password_is_not_in_what_the_command_left(dispatch: Dispatch, log: Path) -> None:
    """A command that leaves our credentials there spreads them no further."""
    url = dispatch.environment["EIGHTBELLS_URL"].replace("redis://", "redis://nobody:s3cret-s3cret@")
    dispatch.run("sh", "-c", f"echo key=s3cret-s3cret > {log}; exit 4", env={"EIGHTBELLS_URL": url})
    assert record(log).message == "key=***"


@pytest.mark.parametrize(
    ("left", "quoted"),
    [("x" * 3000, "x"), ("x" * 20_000, "x"), ("\\377\\001" * 4000, "\\xff\1"), ("\\001" * 3000, "\1")],
    ids=["short", "long", "no text", "escapes"],
)
def test_a_long_message_of_the_command_makes_room(dispatch: Dispatch, log: Path, left: str, quoted: str) -> None:
    """However much the command wrote there, the final record is whole and within the limit."""
    dispatch.run("sh", "-c", f"printf '{left}' > {log}; exit 4")
    found = record(log)
    assert (found.code, found.exit_code) == ("exit_nonzero", 4)
    assert (found.message or "").startswith(quoted)


@pytest.mark.parametrize("piece", ["\\0", "\\377", "ü", '"'])
def test_any_output_fits(dispatch: Dispatch, log: Path, piece: str) -> None:
    """The record is at most 4096 bytes of UTF-8 whatever the command wrote; the output gives way, the code never."""
    dispatch.run(
        "sh", "-c", f"for i in $(seq 9000); do printf '{piece}'; done; exit 4", env={"EIGHTBELLS_IMAGE": "ü" * 500}
    )
    found = record(log)
    assert (found.code, found.exit_code) == ("exit_nonzero", 4)
    assert found.stdout is not None
    assert len(found.stdout.tail) > 400
    assert found.stdout.head == ""
    assert found.stdout.truncated


def test_no_file_is_no_matter(dispatch: Dispatch, tmp_path: Path) -> None:
    """Where there is none, or none that can be written, nobody is told, and none is made."""
    for path in (tmp_path / "none", tmp_path):
        ran = dispatch.run("sh", "-c", "exit 4", env={"EIGHTBELLS_TERMINATION_LOG": str(path), **NOBODY})
        assert ran.exit_code == 4
        assert b"termination" not in ran.stderr
    assert list(tmp_path.iterdir()) == []


DYING = """
import posix, sys
sys.path += {paths!r}
from eightbells.wrapper.termination import TerminationLog
log = TerminationLog({path!r})
left = {steps}
def step(frame, event, function):
    global left
    left -= event in ("c_call", "c_return")
    if not left:
        posix._exit(9)
if {theirs!r}:
    with open({path!r}, "wb") as file: file.write({theirs!r})
else:
    log.write({old!r})
sys.setprofile(step)
log.write({new!r}, is_final=True)
"""


@pytest.mark.parametrize(("old", "theirs"), [(100, 0), (3000, 0), (3000, 50), (3000, 5000)])
def test_between_any_two_steps_of_writing_the_file_is_whole(tmp_path: Path, old: int, theirs: int) -> None:
    """Whoever dies before or after any call of the system leaves the old record, the command's own text, or the new."""
    path = tmp_path / "log"
    told = {"paths": find_paths(), "path": str(path), "theirs": b"t" * theirs, "old": b"o" * old, "new": b"n" * 1000}
    seen, exit_code, steps = set(), 9, 0
    while exit_code == 9:
        path.write_bytes(b"")
        steps += 1
        exit_code = subprocess.run([*PYTHON, DYING.format(steps=steps, **told)], check=False).returncode
        shown = path.read_bytes()[-LIMIT:].rstrip(b" ")
        seen.add((shown[:1], set(shown) == set(shown[:1])))
        assert len(shown) in {min(theirs, LIMIT) or old, 1000}
    assert (exit_code, seen) == (0, {(b"t" if theirs else b"o", True), (b"n", True)})


GROWING = """
import posix, sys
sys.path += {paths!r}
from eightbells.wrapper.termination import TerminationLog
log = TerminationLog({path!r})
log.write(b"old")
def grow(frame, event, function):
    if event == {event!r} and function is posix.pwrite:
        with open({path!r}, "ab") as file: file.write(b"t" * {more})
sys.setprofile(grow)
log.write(b"new", is_final=True)
"""


@pytest.mark.parametrize("event", ["c_call", "c_return"])
@pytest.mark.parametrize("more", [10, 3000, 10_000])
def test_what_is_appended_while_the_end_is_written_does_not_stay(tmp_path: Path, event: str, more: int) -> None:
    """Whatever the command left behind appends just before or after the final record is written, that stands alone."""
    path = tmp_path / "log"
    path.touch()
    code = GROWING.format(paths=find_paths(), path=str(path), event=event, more=more)
    subprocess.run([*PYTHON, code], check=True)
    assert path.read_bytes() == b"new"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("rounds", [100, pytest.param(500, marks=pytest.mark.endurance)])
def test_a_kill_at_any_moment_leaves_a_whole_record(dispatch: Dispatch, log: Path, rounds: int) -> None:
    """Killed in the middle of whatever it does, also of its end, the wrapper leaves the old record or the new one."""
    code = "import posix, time\nfor i in range({}): posix.write(1, b'%d ' % i * (i % 50)); time.sleep(0.0005)"
    times = {"EIGHTBELLS_HEARTBEAT": "1ms", "EIGHTBELLS_PUBLISH_TIMEOUT": "0"}
    dice = random.Random(rounds)
    for _ in range(rounds):
        process = dispatch.start(*PYTHON, code.format(dice.choice((1, 20, 10**9))), env=times)
        looks = dice.randrange(40)
        wait_until(log.read_bytes, "the first record")
        for _ in range(looks):
            record(log)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert record(log).state in ("running", "completed")
        log.write_bytes(b"")
