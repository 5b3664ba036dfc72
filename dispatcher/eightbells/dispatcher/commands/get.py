"""`eightbells get`: what is known of a dispatch."""

from typing import Any

import click
from eightbells.cli.options import CONTEXT, option
from eightbells.dispatcher.commands.options import cluster_options, open_dispatcher
from eightbells.dispatcher.commands.show import show_report, write


@click.command(context_settings=CONTEXT)
@click.argument("dispatch")
@option("-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", help="How it is written.")
@cluster_options
def get(dispatch: str, output: str, **options: Any) -> None:
    """Show what is known of a dispatch: its state, attempts, place, output and Job.

    Exits with 0 whatever the state is, and with 66 for a dispatch that the bus does not know.
    """
    with open_dispatcher(options) as dispatcher:
        report = dispatcher.get(dispatch)
        if output == "text":
            show_report(report)
        else:
            write(report, output)
