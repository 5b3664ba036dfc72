"""Which exit code an error or an ending is; docs/submit.md has the table."""

import sys
from typing import NoReturn

import click
from eightbells.cli.exits import Exit
from eightbells.dispatcher import errors
from eightbells.dispatcher.errors import DispatcherError
from eightbells.events.schema import Verdict

ERRORS: dict[type[DispatcherError], Exit] = {
    errors.Refused: Exit.REFUSED,
    errors.Invalid: Exit.REFUSED,
    errors.Conflict: Exit.CONFLICT,
    errors.Gone: Exit.CONFLICT,
    errors.UnknownDispatch: Exit.NOT_FOUND,
    errors.QuotaExceeded: Exit.TRY_AGAIN,
    errors.TooLate: Exit.TRY_AGAIN,
    errors.Forbidden: Exit.NO_PERMISSION,
    errors.Unavailable: Exit.UNAVAILABLE,
    errors.Unexpected: Exit.UNEXPECTED,
}

FAULTS: dict[str | None, Exit] = {
    "infra": Exit.INFRA,
    "config": Exit.CONFIG,
    "dependency": Exit.DEPENDENCY,
    "cancelled": Exit.CANCELLED,
    "user": Exit.FAILED,
    "resource": Exit.FAILED,
}
"""For endings that are not the command's own doing, or that have no exit code of it but 0."""


def exit_of_error(error: DispatcherError) -> Exit:
    """Return the code of an error, by the nearest of its classes."""
    return next(ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS)


def exit_of_verdict(verdict: Verdict) -> int:
    """Return the command's own exit code where the command is to blame, else the code of who is."""
    if verdict.state == "completed":
        return Exit.OK
    if verdict.fault in ("user", "resource") and verdict.exit_code:
        return verdict.exit_code
    return FAULTS.get(verdict.fault, Exit.UNKNOWN)


def fail(error: DispatcherError) -> NoReturn:
    """Say what is wrong and exit."""
    click.echo(f"eightbells: {error}", err=True)
    sys.exit(exit_of_error(error))
