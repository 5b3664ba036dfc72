"""`eightbells explain`: how Jobs ended, or what they wait for, out of a file."""

import sys
from datetime import datetime
from typing import Any

import click
import msgspec
from eightbells.cli.exits import Exit
from eightbells.cli.options import CONTEXT, option
from eightbells.reconciler.explain.account import Told
from eightbells.reconciler.explain.account import explain as explain_subject
from eightbells.reconciler.explain.grouping import find_subjects
from eightbells.reconciler.explain.moments import read_time
from eightbells.reconciler.explain.ranking import rank
from eightbells.reconciler.explain.reading import Dump, Unreadable, read_dump
from eightbells.reconciler.explain.redaction import redact
from eightbells.reconciler.explain.text import page
from eightbells.reconciler.times import START


class Moment(click.ParamType[datetime]):
    """A time in RFC 3339."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time, or say what one looks like."""
        moment = read_time(value)
        if moment is None:
            self.fail(f"{value!r} is not a time: write 2026-11-25T10:00:00Z", param, ctx)
        return moment


@click.command(context_settings=CONTEXT)
@option("-f", "--file", type=click.File("rb"), required=True, help="Jobs, Pods and Events in JSON or YAML; - is stdin.")
@option("--now", type=Moment(), help="The moment of the explanation; by default the newest time in the file.")
@option("-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", help="How it is written.")
@option("--all", "is_list", is_flag=True, help="One line a Job, and how many there are of each code.")
@option("--redact", "is_redacted", is_flag=True, help="Without names, images, variables and output.")
def explain(file: Any, now: datetime | None, output: str, *, is_list: bool, is_redacted: bool) -> None:
    """Say how Jobs ended, or what they wait for, with evidence, a timeline and the next command.

    Reads what `kubectl -n NAMESPACE get job,pod,events -o yaml` writes, of any tool's Jobs. Exits with 0 whatever the
    verdicts are, and with 2 where nothing can be read.
    """
    try:
        dump = read_dump(file.read())
    except Unreadable as error:
        click.echo(f"eightbells: {getattr(file, 'name', 'the file')}: {error}", err=True)
        sys.exit(Exit.USAGE)
    moment = now or dump.newest
    tolds = account_for(dump, moment or START)
    if is_redacted:
        tolds = redact(tolds, dump.raw)
    if output == "text":
        click.echo(page(tolds, dump.broken, moment, is_list=is_list), nl=False)
        return
    for one in dump.broken:
        click.echo(f"eightbells: left out: {one.name}: {one.problem}", err=True)
    accounts = [told.account for told in tolds]
    encoded = msgspec.yaml.encode(accounts) if output == "yaml" else msgspec.json.encode(accounts) + b"\n"
    click.echo(encoded, nl=False)


def account_for(dump: Dump, moment: datetime) -> list[Told]:
    """Return what is to be said of every Job in a dump, the worst first."""
    tolds = [explain_subject(subject, moment) for subject in find_subjects(dump)]
    return sorted(tolds, key=lambda told: rank(told.account))
