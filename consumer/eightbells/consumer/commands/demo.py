"""`eightbells demo`: see it work, on a server of its own."""

import sys

import click
from eightbells.cli import logs
from eightbells.cli.exits import Exit
from eightbells.cli.options import CONTEXT, server_options
from eightbells.consumer import embedded
from eightbells.consumer.demo.show import present
from eightbells.consumer.errors import ConsumerError


@click.command(context_settings=CONTEXT)
@server_options
def demo(url: str | None, url_file: str | None) -> None:
    """Run real commands through the wrapper and show each ending once.

    Starts a server of its own unless a URL is given, and leaves nothing behind. Exits 1 if a promise did not hold.
    """
    logs.configure("ERROR")
    try:
        with embedded.serve(url or url_file) as server:
            held = present(server.url)
    except (ConsumerError, embedded.EmbeddedError) as error:
        raise click.ClickException(str(error)) from None
    sys.exit(Exit.OK if held else Exit.BROKEN_PROMISE)
