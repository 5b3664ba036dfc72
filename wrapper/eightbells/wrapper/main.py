"""The entrypoint: runs the command, passes on its signals and its output, reports how it ended, exits as it did.

Before the spawn nothing is imported but built-in modules and our own small ones; what talks to the bus is loaded by
the reporter's thread while the command already runs. Reporting never changes the exit code.
"""

from __future__ import annotations

import sys
import time
from posix import _exit

from eightbells.wrapper import signals
from eightbells.wrapper.capture import open_streams
from eightbells.wrapper.ending import Ending
from eightbells.wrapper.environment import Environment, find_environment
from eightbells.wrapper.init import Init
from eightbells.wrapper.notice import say
from eightbells.wrapper.outcome import Outcome, decide
from eightbells.wrapper.pumps import Pump, drain, start_pumps
from eightbells.wrapper.reporter import Reporter
from eightbells.wrapper.spawn import NotStarted, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

USAGE = "eightbells-wrapper -- COMMAND [ARGUMENT...]"


def main() -> NoReturn:
    """Run the command of the command line and exit with its code."""
    mask = signals.block_all()
    signals.stop_ignoring_children()
    environment = Environment(find_environment())
    for complaint in environment.complaints:
        say(complaint)
    init = Init(environment)
    reporter = Reporter(environment, init)
    try:
        pumps = start_command(command_line(sys.argv), environment, init, mask)
        reporter.start()
        status = init.wait_for_command()
        warnings = drain(pumps, init, environment.drain)
        ending = describe_end(init, decide(status, init.told, environment.timeout), pumps, warnings)
    except NotStarted as failure:
        say(f"{failure} ({failure.remedy})")
        outcome = Outcome(failure.code, failure.exit_code, message=str(failure), remedy=failure.remedy)
        ending = Ending(outcome, finished_at=time.time())
    report(ending, reporter, init, environment.publish_timeout)
    _exit(ending.outcome.exit_code)  # never the interpreter's shutdown, which waits for threads


def command_line(argv: Sequence[str]) -> list[bytes]:
    """Return the command. Raises `NotStarted` where there is none."""
    words = argv[2:] if argv[1:2] == ["--"] else argv[1:]
    if not words:
        raise NotStarted("command_not_found", 127, "no command was given", f"say {USAGE}")
    return [word.encode("utf-8", "surrogateescape") for word in words]


def start_command(argv: list[bytes], environment: Environment, init: Init, mask: set[int]) -> list[Pump]:
    """Start the command under the init's eyes and return what carries its output. Raises `NotStarted`."""
    pumps = start_pumps(open_streams(environment), init.wake)
    actions = [action for pump in pumps for action in pump.stream.actions]
    try:
        init.adopt(spawn(argv, environment.command, actions, mask))
    except NotStarted as failure:
        if not pumps or failure.code != "cannot_start":
            raise
        for pump in pumps:
            pump.stream.close_entry()
        init.wait_until(lambda: all(pump.is_over for pump in pumps))
        init.adopt(spawn(argv, environment.command, (), mask))  # our threads were what was too many
        return []
    for pump in pumps:
        pump.stream.close_entry()
    return pumps


def describe_end(init: Init, outcome: Outcome, pumps: Sequence[Pump], warnings: Sequence[str]) -> Ending:
    """Return what is known of a command that ran."""
    return Ending(
        outcome,
        finished_at=init.died_at,
        started_at=init.started_at,
        seconds=init.died - init.started,
        windows={pump.stream.name: pump.stream.window for pump in pumps},
        warnings=tuple(warnings),
    )


def report(ending: Ending, reporter: Reporter, init: Init, patience: float) -> None:
    """Wait until the ending is published, for as long as that is worth; the exit code does not depend on it."""
    if reporter.is_over:
        return
    reporter.end(ending)
    until = time.monotonic() + patience
    is_over = init.wait_until(lambda: reporter.is_over, until if init.grace_end is None else min(until, init.grace_end))
    if reporter.problem or not is_over:
        say(f"the ending was not published: {reporter.problem or 'the bus did not answer in time'}")


def console() -> NoReturn:
    """Run as the console script of pip."""
    from eightbells.wrapper.console import run

    run()
