"""How tables reach a person or a program: as markdown once each is measured, or as one JSON object at the end."""

import os
import platform
from collections.abc import Iterable

import click
import msgspec

from bench.figures import Table

output_option = click.option(
    "-o", "--output", type=click.Choice(["markdown", "json"]), default="markdown", show_default=True
)


def write(tables: Iterable[Table], output: str) -> None:
    """Write what is being measured to stdout."""
    measured: list[Table] = []
    for table in tables:
        measured.append(table)
        if output == "markdown":
            print_newest(measured)
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode({"machine": machine(), "tables": measured}), indent=2))


def print_newest(measured: list[Table]) -> None:
    """Print the newest table, and the heading before the first."""
    if len(measured) == 1:
        click.echo(f"## eightbells on {machine()}")
    click.echo(f"\n{measured[-1]}")


def machine() -> str:
    """What everything was measured on."""
    return f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
