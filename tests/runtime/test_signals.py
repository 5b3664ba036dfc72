"""Signals from the container's first instruction on, and those that somebody had blocked or ignored before us."""

import os
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.runtime.roots import LAUNCHER, Root
from tests.waiting import wait_until
from tests.wrapper.wrapping import LIMIT, Wrapped, Wrapping

TERMINATED = 128 + signal.SIGTERM
SLEEP = ("/busybox", "sleep", "60")
OF_THREADS = (32, 33)
"""glibc's posix_spawn lets every child ignore its own two, whoever starts it."""


@pytest.mark.serial
@pytest.mark.timeout(150)
@pytest.mark.parametrize("rounds", [100, pytest.param(300, marks=pytest.mark.endurance)])
def test_no_term_is_lost_from_the_first_millisecond_on(init: Wrapping, bare: Root, rounds: int) -> None:
    """TERM up to 25 ms after the launcher's first act ends the container each time: the command, or us before it."""
    codes = [code_after_term(init, bare, after=25 * number / rounds) for number in range(rounds)]
    assert codes == [TERMINATED] * rounds


@pytest.mark.serial
@pytest.mark.timeout(150)
@pytest.mark.parametrize("rounds", [25, pytest.param(300, marks=pytest.mark.endurance)])
def test_a_term_around_the_commands_death_changes_no_code(init: Wrapping, bare: Root, rounds: int) -> None:
    """Between spawn and exec, while the command is a zombie, or as we end: TERM has ended it, or it exited with 7."""
    codes, after = Counter[int](), 20.0
    for _ in range(rounds):
        code = code_after_term(init, bare, after, "/busybox", "sh", "-c", "/busybox usleep 20000; exit 7")
        codes[code] += 1
        after *= 1.2 if code == TERMINATED else 0.8  # around the moment that tells them apart, however busy the machine
    assert codes.keys() == {7, TERMINATED}


def code_after_term(init: Wrapping, root: Root, after: float, *command: str) -> int:
    """How a container ends that gets TERM so many milliseconds after its first instruction."""
    process = init.start(*(command or SLEEP), program=root.entry())
    pid = wait_for_launcher(process)
    if pid is None:
        return process.finish().exit_code
    moment = time.perf_counter() + after / 1000  # what the test is about; nothing is waited for
    while time.perf_counter() < moment:
        pass
    with suppress(ProcessLookupError):  # its command has ended, and it has, too
        os.kill(pid, signal.SIGTERM)
    return process.finish().exit_code


def wait_for_launcher(process: Wrapped) -> int | None:
    """The container's PID 1, as this machine numbers it, from the launcher's first act on, which may be long after its
    execution where others want the processor; None where it is all over before we have looked.
    """
    end = time.monotonic() + LIMIT
    while process.poll() is None:  # without a pause: the moment is what counts
        with suppress(OSError):  # it has ended between two looks
            for pid in listed_children(process.pid):
                if has_begun(Path(f"/proc/{pid}/status").read_text()):
                    return pid
        assert time.monotonic() < end
    return None


def has_begun(status: str) -> bool:
    """Whether the launcher's first act, to block every signal, is done: it is seen, or the launcher has moved on."""
    name = status.partition("\n")[0].removeprefix("Name:\t")
    return name == "eightbells" or (name.startswith("eightbells-") and "SigBlk:\t0000000000000000" not in status)


@pytest.mark.parametrize(("blocked", "ignored"), [([], []), ([10, 12, 34, 64], []), ([15], [1, 2]), ([], [10, 15, 34])])
def test_what_was_blocked_and_ignored_is_so_for_the_command(
    init: Wrapping, bare: Root, blocked: list[int], ignored: list[int]
) -> None:
    """The launcher blocks all signals for itself; the command has the mask and the ignored set that came before."""
    entry = bare.entry(blocked=blocked, ignored=ignored)
    status = init.run("/busybox", "cat", "/proc/self/status", program=entry).stdout.decode()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert numbers(fields["SigBlk"]) == blocked
    assert [number for number in numbers(fields["SigIgn"]) if number not in OF_THREADS] == ignored


def numbers(mask: str) -> list[int]:
    """The signals of a mask as proc(5) shows it."""
    return [number for number in range(1, 65) if int(mask, 16) >> (number - 1) & 1]


def test_orphans_come_to_us_where_we_are_not_pid_1(init: Wrapping, runtime: Path) -> None:
    """The launcher makes the wrapper who inherits what the command leaves behind, and it outlives no wrapper."""
    words = [f"{runtime}{LAUNCHER.removeprefix('/eightbells')}", "--"]
    process = init.start("sh", "-c", "(sleep 60 &); sleep 60", program=words)
    wait_until(lambda: orphans(process.pid, process.command), "the orphan has come to us")
    process.send_signal(signal.SIGTERM)
    assert process.finish().exit_code == TERMINATED


def orphans(parent: int, command: int) -> list[int]:
    """The children of a process other than its command."""
    return [pid for pid in listed_children(parent) if pid != command]


def listed_children(parent: int) -> list[int]:
    """The children of a process, by one look."""
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
