"""`eightbells submit`: start a dispatch, or many, as Kubernetes Jobs."""

import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import click
from eightbells.cli.exits import Exit
from eightbells.cli.main import installed
from eightbells.cli.options import CONTEXT, chosen_url, option
from eightbells.dispatcher.commands.exits import exit_of_verdict, fail
from eightbells.dispatcher.commands.fields import dispatch_of, field_options
from eightbells.dispatcher.commands.lines import submit_lines
from eightbells.dispatcher.commands.options import (
    REQUESTS,
    cluster_options,
    installation_options,
    open_dispatcher,
    settings_of,
)
from eightbells.dispatcher.commands.show import describe_verdict, show_output, write
from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.errors import DispatcherError
from eightbells.dispatcher.job import build_job
from eightbells.dispatcher.names import new_id
from msgspec.structs import replace

if TYPE_CHECKING:
    from eightbells.dispatcher.dispatcher import Dispatcher
    from eightbells.dispatcher.submission import Submitted


@click.command(context_settings=CONTEXT)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND [ARG]...]")
@field_options
@option("--file", type=click.File("rb"), help="Dispatches instead, a JSON object a line; - is stdin.")
@option("--requests", type=click.IntRange(1, 256), default=REQUESTS, help="Of --file: how many at once.")
@option("--wait", is_flag=True, help="Show live output if it is streamed, then the ending; exit as the command did.")
@option("--dry-run", is_flag=True, help="Print the Job's manifest and do nothing.")
@option("-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", help="How results are written.")
@cluster_options
@installation_options
def submit(words: tuple[str, ...], file: BinaryIO | None, output: str, **options: Any) -> None:
    """Start a dispatch as a Kubernetes Job, and be told how it ended.

    Submitting the same id and content again starts nothing and is safe after any error. Exits with 0 once the Job is
    there; with --wait with the exit code of the command, or one that says what else ended it (docs/submit.md).
    """
    if output == "yaml" and (file is not None or options["wait"]):
        raise click.UsageError("-o yaml is for one result: with --file and --wait there are several, so say -o json")
    if file is not None:
        if words or options["image"] or options["wait"] or options["dry_run"]:
            raise click.UsageError("--file stands alone: its lines say what to run, and it neither waits nor prints")
        with open_dispatcher(options) as dispatcher:
            sys.exit(submit_lines(dispatcher, file, output))
    dispatch = dispatch_of(options, words)
    if options["dry_run"]:
        print_manifest(dispatch, options, output)
        return
    with open_dispatcher(options) as dispatcher:
        submitted = dispatcher.submit(dispatch)
        if options["wait"]:
            sys.exit(follow(dispatcher, submitted, output, options))
        if output == "text":
            click.echo(describe(submitted))
        else:
            write(submitted, output)
        sys.exit(Exit.CANCELLED if submitted.status == "cancelling" else Exit.OK)


def print_manifest(dispatch: Dispatch, options: dict[str, Any], output: str) -> None:
    """Write the Job that would be created."""
    try:
        manifest = build_job(dispatch if dispatch.id else replace(dispatch, id=new_id()), settings_of(options))
    except DispatcherError as error:
        fail(error)
    write(manifest, "yaml" if output == "text" else output)


def describe(submitted: "Submitted") -> str:
    """Return what became of a submit, in a line."""
    match submitted.status:
        case "ended":
            ending = describe_verdict(submitted.verdict) if submitted.verdict else ""
            return f"{submitted.id} has ended, and nothing was started; {ending}"
        case "cancelling":
            return f"{submitted.id} is being cancelled, and nothing was started"
        case "existing":
            return f"{submitted.id} was there already: Job {submitted.namespace}/{submitted.job}"
    return f"{submitted.id} created: Job {submitted.namespace}/{submitted.job}"


def follow(dispatcher: "Dispatcher", submitted: "Submitted", output: str, options: dict[str, Any]) -> int:
    """Show what the command writes if it is streamed, and how it ended; return the exit code that says so."""
    is_text = output == "text"
    if is_text:
        click.echo(f"eightbells: {describe(submitted)}", err=True)
    else:
        write(submitted, output)
    if submitted.status != "ended":
        tail = installed()["tail"].load()
        url = chosen_url(options["url"], options["url_file"])
        told = {"from": 0, "follow": True, "quiet": True, "output": "text" if is_text else "json"}
        click.get_current_context().invoke(
            tail, dispatch=submitted.id, url=url, url_file=None, namespace=options["namespace"], **told
        )
    report = dispatcher.get(submitted.id)
    verdict = report.verdict or submitted.verdict
    if not is_text:
        write(report, output)
    elif not options["stream"]:
        show_output(report.stdout, err=False)
        show_output(report.stderr, err=True)
    if verdict is None:
        return Exit.UNKNOWN
    if is_text:
        click.echo(f"eightbells: {describe_verdict(verdict)}", err=True)
    return exit_of_verdict(verdict)
