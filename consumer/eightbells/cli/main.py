"""The command `eightbells`. Its subcommands are found by the entry-point group `eightbells.commands`, so that each
program brings its own and no program imports another.
"""

import os
import re
import sys
from importlib.metadata import EntryPoint, entry_points, version

import click
from eightbells.cli.exits import Exit

# Kubernetes gives every pod variables of the services around it; one named eightbells makes these.
_SERVICE = re.compile(r"EIGHTBELLS_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_.+)?)?)")

_FOREIGN = re.compile(rf"{_SERVICE.pattern}|EIGHTBELLS_TEST_.+|EIGHTBELLS_RESULT")
"""Nobody's setting: those, what tests are told, and what the wrapper hands to its command, which may be us."""


class Commands(click.Group):
    """The installed commands; each is imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of the installed commands."""
        return sorted(installed())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command by its name."""
        found = installed().get(cmd_name)
        return None if found is None else found.load()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command, after refusing variables that it does not know."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            refuse_unknown_variables(name or "", command, os.environ)
        return name, command, rest


def installed() -> dict[str, EntryPoint]:
    """Return the entry points of the installed commands by name."""
    return {one.name: one for one in entry_points(group="eightbells.commands")}


def refuse_unknown_variables(name: str, command: click.Command, environ: "os._Environ[str] | dict[str, str]") -> None:
    """Raise `UsageError` for an `EIGHTBELLS_` variable that no command reads: a misspelt one would be ignored. What
    only other commands read is left alone, because one environment serves several.
    """
    known = variables_of(command)
    unknown = {
        variable
        for variable in environ
        if variable.startswith("EIGHTBELLS_") and variable not in known and not _FOREIGN.fullmatch(variable)
    }
    if unknown:  # only now: the others are imported for it
        for other in installed().values():
            unknown -= variables_of(other.load())
    if unknown:
        reads = ", ".join(sorted(known)) or "no variable"
        raise click.UsageError(f"{', '.join(sorted(unknown))} in the environment: `eightbells {name}` reads {reads}")


def variables_of(command: click.Command) -> set[str]:
    """Return the names of the variables that a command reads."""
    return {f"EIGHTBELLS_{parameter.name}".upper() for parameter in command.params}


@click.command(cls=Commands)
@click.version_option(version("eightbells-consumer"), prog_name="eightbells")
def cli() -> None:
    """Tell how Kubernetes Jobs ended: once, within milliseconds, whatever ended them."""


def main() -> None:
    """Run the command line; a consumer piped into a pager that closes ends quietly."""
    try:
        cli()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.OK)
