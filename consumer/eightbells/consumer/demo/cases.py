"""What the demo runs, and how each must end."""

from typing import Literal

from msgspec import Struct

Act = Literal["none", "terminate", "race"]

ORDINARY = 40
"""Plain dispatches, so that the latencies have something to stand on."""

RACES = 8
"""Dispatches for which a second reporter publishes an ending at the same instant."""


class Case(Struct, frozen=True):
    """One dispatch: its command, what is done to it, and the ending that must come.

    `exit_status` is that of the wrapper's process. A race has two possible endings; its code is then "".
    """

    dispatch: str
    shows: str
    command: tuple[str, ...]
    state: str
    code: str
    exit_code: int | None
    exit_status: int
    signal: str | None = None
    act: Act = "none"
    timeout: str = ""
    output_bytes: int | None = None


def shell(text: str) -> tuple[str, ...]:
    """Return the command that runs a line of shell."""
    return ("/bin/sh", "-c", text)


SPECIAL = (
    Case("success", "exits 0", shell("echo done"), "completed", "exited_zero", 0, 0, output_bytes=5),
    Case("exit-7", "exits 7", shell("echo no luck >&2; exit 7"), "failed", "exit_nonzero", 7, 7),
    Case("segfault", "dies of SIGSEGV", shell("kill -SEGV $$"), "failed", "signalled", 139, 139, "SIGSEGV"),
    Case("not-found", "does not exist", ("no-such-command",), "failed", "command_not_found", 127, 127),
    Case(
        "output",
        "writes 50 MB",
        shell("yes 0123456789abcde | head -c 50000000"),
        "completed",
        "exited_zero",
        0,
        0,
        output_bytes=50_000_000,
    ),
    Case(
        "sigterm",
        "handles SIGTERM",
        shell("trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"),
        "failed",
        "exit_nonzero",
        3,
        3,
        act="terminate",
    ),
    Case(
        "timeout",
        "outlives its time",
        ("sleep", "60"),
        "failed",
        "deadline_exceeded",
        143,
        143,
        "SIGTERM",
        timeout="1s",
    ),
)


def ordinary(number: int) -> Case:
    """Return one of the plain dispatches; every third fails."""
    code = 1 if number % 3 == 0 else 0
    return Case(
        f"ordinary-{number:02}",
        f"exits {code}",
        shell(f"sleep 0.3; exit {code}"),
        "failed" if code else "completed",
        "exit_nonzero" if code else "exited_zero",
        code,
        code,
    )


def race(number: int) -> Case:
    """Return a dispatch that ends when its input closes, while a rival reports that its node is lost."""
    return Case(f"race-{number}", "two reporters race", shell("read line; exit 4"), "failed", "", None, 4, act="race")


CASES = (*SPECIAL, *(race(i) for i in range(RACES)), *(ordinary(i) for i in range(ORDINARY)))

SECOND_START = Case("success", "starts again", ("sleep", "60"), "completed", "exited_zero", 0, 143)
"""A second start of a dispatch that has ended: it must stop at once, and end nothing."""
