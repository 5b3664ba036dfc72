"""`eightbells cancel`: stop a dispatch, or see to it that it never starts."""

import sys
from typing import TYPE_CHECKING, Any

import click
from eightbells.cli.durations import DURATION
from eightbells.cli.exits import Exit
from eightbells.cli.options import CONTEXT, option
from eightbells.dispatcher.commands.options import cluster_options, open_dispatcher
from eightbells.dispatcher.commands.show import describe_verdict, write

if TYPE_CHECKING:
    from eightbells.dispatcher.cancellation import Cancellation


@click.command(context_settings=CONTEXT)
@click.argument("dispatch")
@option("--wait/--no-wait", default=True, help="Wait until its Job is gone, and make its ending if nobody has.")
@option("--wait-limit", type=DURATION, default="2m", help="How long.")
@option("-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", help="How it is written.")
@cluster_options
def cancel(dispatch: str, output: str, **options: Any) -> None:
    """Cancel a dispatch: it ends as `cancelled`, once, unless it has ended before.

    A running command is told to stop and given its grace; its exit code and output are in the ending. Exits with 75
    when the Job was not gone in time: cancelling again is safe.
    """
    with open_dispatcher(options) as dispatcher:
        found = dispatcher.cancel(dispatch, options["wait_limit"] if options["wait"] else 0.0)
        if output == "text":
            click.echo(f"{found.id} {describe(found)}")
        else:
            write(found, output)
        if found.status == "cancelling" and options["wait"]:
            sys.exit(Exit.TRY_AGAIN)


def describe(found: "Cancellation") -> str:
    """Return what became of it, in a line."""
    if found.verdict is None:
        return f"is being cancelled; Job {found.namespace}/{found.job} is being deleted"
    if found.status == "ended":
        return f"had ended before: {describe_verdict(found.verdict)}"
    return "is cancelled" + (f"; exit code {found.verdict.exit_code}" if found.verdict.exit_code is not None else "")
