"""Out of memory: who was killed by the kernel is told from who was killed by somebody, and leaves the most it can."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from eightbells.events.schema import Data
from eightbells.wrapper import memory
from eightbells.wrapper.memory import V1, V2, Memory, count_kills, find_directories, parse_limit, raised_score
from eightbells.wrapper.outcome import decide
from msgspec.json import decode

from tests.waiting import wait_until
from tests.wrapper.cgroups import Cgroup, make_cgroup
from tests.wrapper.wrapping import PYTHON, Dispatch, Wrapping

HOG = "import posix\nposix.write(1, b'loading\\n')\nkept = []\nwhile True: kept.append(bytearray(1 << 20))"
EVENTS = b"low 0\nhigh 0\nmax 4213\noom 2\noom_kill 1\noom_group_kill 0\n"
CONTROL = b"oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"


@pytest.fixture
def limited(dispatch: Dispatch) -> Iterator[Cgroup]:
    """A memory cgroup of 64 MiB, without swap, which ends before its wrappers' processes are looked for."""
    with make_cgroup("memory") as cgroup:
        cgroup.write("memory.limit_in_bytes", 64 << 20)
        cgroup.write("memory.swappiness", 0)
        yield cgroup
        for pid in cgroup.processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_command_that_the_kernel_kills_for_its_memory_is_said_to_be(dispatch: Dispatch, limited: Cgroup) -> None:
    """Killed at the limit it is oom_killed with 137, the resource's fault, and its output is there."""
    ran = dispatch.run(*PYTHON, HOG, prefix=limited.enter)
    ending = dispatch.ending
    assert ran.exit_code == 137
    assert (ending.code, ending.exit_code, ending.signal) == ("oom_killed", 137, "SIGKILL")
    assert (ending.fault, ending.retryable, ending.charged) == ("resource", "more_memory", True)
    assert "its limit is 64 MiB" in (ending.message or "")
    assert ending.stdout is not None
    assert ending.stdout.tail == "loading\n"
    assert ending.warnings == ()


def test_a_shell_that_passes_on_the_end_of_a_hog_is_no_other(dispatch: Dispatch, limited: Cgroup) -> None:
    """Where a shell says 137 for its command that the kernel killed, it is oom_killed, too."""
    script = f'{PYTHON[0]} {PYTHON[1]} "$1"; exit $?'
    ending = dispatch.end("sh", "-c", script, "sh", HOG, prefix=limited.enter)
    assert (ending.code, ending.exit_code, ending.signal) == ("oom_killed", 137, None)


def test_a_command_that_goes_on_without_who_was_killed_says_so(dispatch: Dispatch, limited: Cgroup) -> None:
    """A success stands, with a warning that the kernel killed some process."""
    script = f'{PYTHON[0]} {PYTHON[1]} "$1"; echo went on'
    ending = dispatch.end("sh", "-c", script, "sh", HOG, prefix=limited.enter)
    assert (ending.state, ending.code) == ("completed", "exited_zero")
    assert any("the kernel killed 1 of the container's processes" in warning for warning in ending.warnings)


def test_a_kill_within_a_limit_is_not_called_so(dispatch: Dispatch, limited: Cgroup) -> None:
    """A SIGKILL from somewhere is killed_137 where no memory was missing."""
    ending = dispatch.end("sh", "-c", "kill -9 $$", prefix=limited.enter)
    assert (ending.code, ending.warnings) == ("killed_137", ())


@pytest.mark.parametrize(("found", "given"), [(0, 250), (100, 350), (900, 1000)])
def test_the_command_is_a_better_choice_by_our_share(
    dispatch: Dispatch, limited: Cgroup, found: int, given: int
) -> None:
    """Its oom_score_adj is 16 MiB of the limit higher, 1000 at most, and ours is as it was found."""
    script = f'echo {found} > /proc/self/oom_score_adj && exec "$@"'
    process = dispatch.start(
        "sh", "-c", "cat /proc/self/oom_score_adj; exec sleep 60", prefix=("sh", "-c", script, "sh", *limited.enter)
    )
    process.hears(b"%d\n" % given)
    assert int(Path(f"/proc/{process.pid}/oom_score_adj").read_text()) == found
    process.send_signal(signal.SIGTERM)
    process.finish()


def test_without_a_limit_or_a_report_no_score_is_changed(dispatch: Dispatch, init: Wrapping, tmp_path: Path) -> None:
    """A command in no limited cgroup, or whose end nobody is told, has the score that we have."""
    own = Path("/proc/self/oom_score_adj").read_bytes()
    assert init.run("cat", "/proc/self/oom_score_adj").stdout == own
    if not memory.find_memory().limit:
        assert dispatch.run("cat", "/proc/self/oom_score_adj").stdout == own


def test_a_kill_of_everybody_leaves_the_provisional_record(dispatch: Dispatch, limited: Cgroup, tmp_path: Path) -> None:
    """Where the kernel kills the whole group, the file has the output so far and the memory that was in use."""
    log = tmp_path / "log"
    log.touch()
    told = {"EIGHTBELLS_TERMINATION_LOG": str(log), "EIGHTBELLS_HEARTBEAT": "20ms"}
    process = dispatch.start("sh", "-c", "echo epoch 7; sleep 60 & wait", env=told, prefix=limited.enter)
    wait_until(lambda: b"epoch 7" in log.read_bytes(), "the record has the output")
    run = dispatch.wait_for("running").run
    for pid in limited.processes:
        os.kill(pid, signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL
    found = decode(log.read_bytes(), type=Data)
    assert (found.state, found.code, found.run) == ("running", None, run)
    assert (found.explanation or "").endswith(" of 64 MiB of memory")
    assert found.stdout is not None
    assert found.stdout.tail == "epoch 7\n"


@pytest.mark.parametrize(
    ("status", "told", "shortage", "code"),
    [
        (9, (), "short", "oom_killed"),
        (137 << 8, (), "short", "oom_killed"),
        (9, ("SIGTERM",), "short", "oom_killed"),
        (9, ("SIGTERM", "SIGKILL"), "short", "signalled"),
        (9, ("timeout", "SIGKILL"), "short", "deadline_exceeded"),
        (15, (), "short", "signalled"),
        (1 << 8, (), "short", "exit_nonzero"),
        (0, (), "short", "exited_zero"),
        (9, (), "", "killed_137"),
        (137 << 8, (), "", "exit_nonzero"),
    ],
)
def test_a_shortage_explains_a_kill_that_was_not_ours(
    status: int, told: tuple[str, ...], shortage: str, code: str
) -> None:
    """It is oom_killed where the end is that of a SIGKILL, and neither our own KILL nor a deadline explains it."""
    assert decide(status, told, 1.0, shortage).code == code


@pytest.mark.parametrize(("events", "kills"), [(EVENTS, 1), (CONTROL, 3), (b"under_oom 0\n", 0), (b"", 0)])
def test_kills_are_counted(events: bytes, kills: int) -> None:
    """In memory.events, in memory.oom_control, and nowhere where an old kernel does not count."""
    assert count_kills(events) == kills


@pytest.mark.parametrize(
    ("text", "limit"), [(b"67108864\n", 64 << 20), (b"max\n", 0), (b"9223372036854771712\n", 0), (b"", 0)]
)
def test_what_is_no_limit_is_none(text: bytes, limit: int) -> None:
    """Version 2 says `max`, version 1 a number that no machine has."""
    assert parse_limit(text) == limit


def test_a_v2_cgroup_is_asked_at_the_start_and_the_end(tmp_path: Path) -> None:
    """From its recorded files: kills before the start do not count, later ones do; the use is told."""
    for name, content in zip(V2, (EVENTS, b"134217728\n", b"100000000\n"), strict=True):
        (tmp_path / name).write_bytes(content)
    found = Memory(("/no/such", str(tmp_path)), V2)
    assert (found.complaint(), found.describe_use()) == ("", "uses 96 of 128 MiB of memory")
    (tmp_path / V2[0]).write_bytes(EVENTS.replace(b"oom_kill 1", b"oom_kill 3"))
    assert found.complaint().startswith("out of memory: the kernel killed 2 of the container's processes")


@pytest.mark.parametrize(
    ("membership", "directories", "names"),
    [
        ("0::/\n", ("/sys/fs/cgroup/", "/sys/fs/cgroup"), V2),
        ("0::/a/b\n", ("/sys/fs/cgroup/a/b", "/sys/fs/cgroup"), V2),
        ("9:name=systemd:/\n4:hugetlb,memory:/x\n0::/\n", ("/sys/fs/cgroup/memory/x", "/sys/fs/cgroup/memory"), V1),
        ("", (), V2),
    ],
)
def test_our_own_cgroup_is_found(membership: str, directories: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Version 1 where it has the memory; a container's own is what is mounted, whatever the path says."""
    assert find_directories(membership) == (directories, names)


@pytest.mark.parametrize(("limit", "score"), [(64 << 20, 250), (8 << 20, 1000), (64 << 30, 0)])
def test_our_share_is_sixteen_mebibytes(limit: int, score: int) -> None:
    """As the kernel counts: thousandths of the limit, and never more than 1000."""
    assert raised_score(0, limit) == score
