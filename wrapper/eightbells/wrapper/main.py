"""The entrypoint: runs the command, passes on its signals and its output, reports how it ended, exits as it did.

Before the spawn nothing is imported but built-in modules and our own small ones; what talks to the bus is loaded by
the reporter's thread while the command already runs. Reporting never changes the exit code.
"""

from __future__ import annotations

import posix
import sys
import time
from posix import _exit

from eightbells.wrapper import signals
from eightbells.wrapper.environment import Environment, find_environment
from eightbells.wrapper.init import Init
from eightbells.wrapper.launch import found_mask
from eightbells.wrapper.memory import Memory, find_memory
from eightbells.wrapper.notice import say
from eightbells.wrapper.outcome import Ending, Outcome, decide
from eightbells.wrapper.spawn import NotStarted, is_there, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn, TypeVar

    from eightbells.wrapper.pumps import Pump
    from eightbells.wrapper.reporter import Reporter
    from eightbells.wrapper.spawn import Action
    from eightbells.wrapper.terminal import Terminal
    from eightbells.wrapper.windows import Window

    Value = TypeVar("Value")

STDIN, STDERR = 0, 2
LEAVING_SECONDS, LEAVING_STEP = 1.0, 0.01
"""How long a thread that has ended may still count against the limit of processes, and how often we look."""

USAGE = "eightbells-wrapper -- COMMAND [ARGUMENT...]"


def main() -> NoReturn:
    """Run the command of the command line and exit with its code."""
    occupy_standard()
    answer_question(sys.argv)
    mask = found_mask(signals.block_all())
    signals.stop_ignoring_children()
    environment = Environment(find_environment(), say)
    memory = attempt("memory is not watched", find_memory, Memory()) if environment.is_reporting else Memory()
    attempt("the command can read our environment", lambda: hide_credentials(environment), None)
    terminal = attempt("the command is not given the terminal", find_terminal, None)
    init = Init(environment, terminal)
    pumps: list[Pump] = attempt("the output is not captured", lambda: start_pumps(environment, init), [])
    failure = None
    try:
        argv = command_line(sys.argv, environment.command)
        memory.raise_score()  # which the command inherits
        start_command(init, pumps, lambda actions: spawn(argv, environment.command, actions, mask, terminal))
    except NotStarted as refused:
        failure = refused
    memory.restore_score()
    reporter = attempt("nothing is reported", lambda: start_reporter(environment, init, pumps, memory), None)
    ending = describe_failure(failure) if failure else look_after(init, pumps, environment, memory)
    if reporter is not None:
        attempt("the ending was not published", lambda: report(ending, reporter, init, environment), None)
    _exit(ending.outcome.exit_code)  # never the interpreter's shutdown, which waits for threads


def attempt(what: str, take: Callable[[], Value], otherwise: Value) -> Value:
    """Do what the command does not depend on; whatever goes wrong in it is a line that begins with `what`.

    A file of ours that is cut is no ImportError, and a bug is anything.
    """
    try:
        return take()
    except Exception as problem:  # noqa: BLE001
        say(f"{what}: {type(problem).__name__}: {problem}")
        return otherwise


def occupy_standard() -> None:
    """Put something harmless where stdin, stdout or stderr is closed, or a socket would get its number, and our own
    words. Being close-on-exec, it is not there for the command.
    """
    while (descriptor := posix.open("/", posix.O_RDONLY | posix.O_CLOEXEC)) <= STDERR:
        pass
    posix.close(descriptor)


def hide_credentials(environment: Environment) -> None:
    """Keep what we were told from the command: before the spawn, because a command is faster than an import.
    Raises whatever keeps us from it.
    """
    if environment.is_reporting and not environment.is_dumpable:
        from eightbells.wrapper.prctl import hide

        if not hide():
            raise OSError("prctl(2) refuses to hide it")


def answer_question(argv: Sequence[str]) -> None:
    """Answer who asks about us instead of giving a command, and exit."""
    if argv[1:] in (["--version"], ["--check"]):
        _exit(attempt(f"{argv[1]} fails", lambda: answer(argv[1]), 1))


def answer(question: str) -> int:
    """Return the exit code of the answer."""
    from eightbells.wrapper import check

    return check.answer(question, find_environment())


def command_line(argv: Sequence[str], environment: dict[bytes, bytes]) -> list[bytes]:
    """Return the command: what follows `--`, or else USER_CODE for the image's Python. Raises `NotStarted`."""
    words = argv[2:] if argv[1:2] == ["--"] else argv[1:]
    if words:
        return [word.encode("utf-8", "surrogateescape") for word in words]
    code = environment.get(b"USER_CODE")
    if code is None:
        raise NotStarted("command_not_found", 127, "no command was given", f"say {USAGE}")
    python = next((name for name in (b"python3", b"python") if is_there(name, environment)), None)
    if python is None:
        raise NotStarted("command_not_found", 127, "this image has no Python to run USER_CODE with", f"say {USAGE}")
    return [python, b"-c", code]


def find_terminal() -> Terminal | None:
    """Return the terminal that the command is to have, where there is one."""
    if not posix.isatty(STDIN):
        return None
    from eightbells.wrapper import terminal

    return terminal.find_terminal()


def start_pumps(environment: Environment, init: Init) -> list[Pump]:
    """Start what carries the command's output, where somebody is to be told of it."""
    if not environment.is_reporting:
        return []
    from eightbells.wrapper import pumps

    return pumps.start_pumps(environment, init.wake)


def start_command(init: Init, pumps: list[Pump], start: Callable[[list[Action]], int]) -> None:
    """Start the command under the init's eyes. Raises `NotStarted`."""
    try:
        init.adopt(start([action for pump in pumps for action in pump.stream.actions]))
        failure = None
    except NotStarted as problem:
        failure = problem
    for pump in pumps:
        pump.stream.close_entry()
    if failure is None:
        return
    if not pumps or failure.code != "cannot_start":
        raise failure
    init.wait_until(lambda: all(pump.is_over for pump in pumps))
    init.adopt(start_alone(init, start))
    pumps.clear()


def start_alone(init: Init, start: Callable[[list[Action]], int]) -> int:
    """Start it without our threads, which were too many; the kernel counts them for a moment after their end."""
    until = time.monotonic() + LEAVING_SECONDS
    while True:
        try:
            return start([])
        except NotStarted as problem:
            if problem.code != "cannot_start" or time.monotonic() >= until:
                raise
        init.wait_until(lambda: False, time.monotonic() + LEAVING_STEP)


def start_reporter(environment: Environment, init: Init, pumps: list[Pump], memory: Memory) -> Reporter | None:
    """Start the thread that reports, where there is something to report to."""
    if not environment.is_reporting:
        return None
    from eightbells.wrapper.reporter import Reporter

    reporter = Reporter(environment, init, pumps, memory)
    reporter.start()
    return reporter


def look_after(init: Init, pumps: list[Pump], environment: Environment, memory: Memory) -> Ending:
    """Wait for the command's death and for the last of its output; return how it ended."""
    status = init.wait_for_command()
    shortage = attempt("memory was not watched", memory.complaint, "")
    outcome = decide(status, init.told, environment.timeout, shortage)
    windows: dict[str, Window] = {}
    warnings: list[str] = []
    if pumps:
        from eightbells.wrapper.pumps import drain, windows_of

        warnings = attempt(
            "the end of the output was not waited for", lambda: drain(pumps, init, environment.drain), []
        )
        windows = attempt("the output is not reported", lambda: windows_of(pumps), {})
    if shortage and outcome.code != "oom_killed":
        warnings.append(shortage)
    return Ending(
        outcome,
        finished_at=init.died_at,
        started_at=init.started_at,
        seconds=init.died - init.started,
        windows=windows,
        warnings=tuple(warnings),
    )


def describe_failure(failure: NotStarted) -> Ending:
    """Return how a command ended that never started, and say so as a shell would."""
    say(f"{failure} ({failure.remedy})")
    outcome = Outcome(failure.code, failure.exit_code, message=str(failure), remedy=failure.remedy)
    return Ending(outcome, finished_at=time.time())


def report(ending: Ending, reporter: Reporter, init: Init, environment: Environment) -> None:
    """Wait until the ending is published, for as long as that is worth; the exit code does not depend on it."""
    is_nobody_there = reporter.is_over
    reporter.end(ending)
    if not is_nobody_there:
        until = time.monotonic() + environment.publish_timeout
        init.wait_until(lambda: reporter.is_over, until if init.grace_end is None else min(until, init.grace_end))
    if reporter.problem or not reporter.is_over:
        say(f"the ending was not published: {reporter.problem or 'the bus did not answer in time'}")
