"""`eightbells explain`: how Jobs ended, or what they wait for, out of a file or a live cluster."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

import click
import msgspec
from eightbells.cli.exits import Exit
from eightbells.cli.options import CONTEXT, option
from eightbells.reconciler.commands.graces import Grace
from eightbells.reconciler.commands.target import JobName, ObjectName, namespace_of
from eightbells.reconciler.explain.account import Told
from eightbells.reconciler.explain.account import explain as explain_subject
from eightbells.reconciler.explain.grouping import Subject, find_subjects
from eightbells.reconciler.explain.moments import read_time
from eightbells.reconciler.explain.ranking import rank
from eightbells.reconciler.explain.reading import Dump, Unreadable, read_dump
from eightbells.reconciler.explain.redaction import redact
from eightbells.reconciler.explain.text import page
from eightbells.reconciler.graces import Graces
from eightbells.reconciler.times import START

if TYPE_CHECKING:
    from eightbells.reconciler.explain.cluster import Reading


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
@click.argument("job", type=JobName(), required=False, metavar="[job/NAME]")
@option("-n", "--job-namespace", type=ObjectName(), help="The namespace of the Job; alone, all Jobs in it.")
@option("-f", "--file", type=click.File("rb"), help="Jobs, Pods and Events in JSON or YAML instead; - is stdin.")
@option("--kubeconfig", metavar="FILE", help="By default as kubectl finds it, or the pod we are in.")
@option("--context", "--kube-context", "kube_context", metavar="NAME", help="The context of the kubeconfig.")
@option("--now", type=Moment(), help="The moment; by default the cluster's own, or the newest time in the file.")
@option("--grace-of", type=Grace(), multiple=True, help="How long a state must last before it is an ending.")
@option("-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", help="How it is written.")
@option("--all", "is_list", is_flag=True, help="One line a Job, and how many there are of each code.")
@option("--redact", "is_redacted", is_flag=True, help="Without names, images, variables and output.")
def explain(job: str | None, job_namespace: str | None, file: Any, **options: Any) -> None:
    """Say how Jobs ended, or what they wait for, with evidence, a timeline and the next command.

    Of a Job in a cluster (job/NAME -n NAMESPACE), of all in a namespace (-n NAMESPACE alone), or of what `kubectl -n
    NAMESPACE get job,pod,events -o yaml` has written (-f FILE); of any tool's Jobs. Exits with 0 whatever the verdicts
    are.
    """
    if file is not None and job:
        raise click.UsageError("say either job/NAME, which is read from a cluster, or -f FILE")
    if file is not None:
        dump = _read_file(file)
        write(dump, find_subjects(dump), options)
        return
    if not job and not job_namespace:
        raise click.UsageError("say which Job: job/NAME, all in a namespace with -n NAME, or a file with -f FILE")
    reading = _read_cluster(job, job_namespace, options)
    write(reading.dump, reading.subjects(), options | {"is_list": options["is_list"] or not job})
    if not reading.dump.jobs and not reading.dump.pods:
        click.echo(f'eightbells: there is no Job in the namespace "{reading.namespace}"', err=True)


def write(dump: Dump, subjects: list[Subject], options: dict[str, Any]) -> None:
    """Write what is to be said of every subject, the worst first."""
    moment = options["now"] or dump.newest
    graces = Graces(dict(options["grace_of"]))
    tolds = sorted((explain_subject(one, moment or START, graces) for one in subjects), key=_rank)
    if options["is_redacted"]:
        tolds = redact(tolds, dump.raw)
    if options["output"] == "text":
        click.echo(page(tolds, dump.broken, moment, is_list=options["is_list"]), nl=False)
        return
    for one in dump.broken:
        click.echo(f"eightbells: left out: {one.name}: {one.problem}", err=True)
    accounts = [told.account for told in tolds]
    is_yaml = options["output"] == "yaml"
    click.echo(msgspec.yaml.encode(accounts) if is_yaml else msgspec.json.encode(accounts) + b"\n", nl=False)


def _rank(told: Told) -> tuple[int, int, str, str]:
    return rank(told.account)


def _read_file(file: Any) -> Dump:
    try:
        return read_dump(file.read())
    except Unreadable as error:
        _fail(f"{getattr(file, 'name', 'the file')}: {error}", Exit.USAGE)


def _read_cluster(job: str | None, namespace: str | None, options: dict[str, Any]) -> "Reading":
    """Read the Job, or all in its namespace; what goes wrong ends the command with a message and its code."""
    # A second, which a file does not wait for.
    from eightbells.reconciler.explain.cluster import read_job, read_namespace
    from eightbells.reconciler.informer import errors
    from eightbells.reconciler.informer.connection import Connection

    where = namespace or namespace_of(options["kubeconfig"], options["kube_context"])
    try:
        connection = Connection.find(options["kubeconfig"], options["kube_context"])
        return read_job(connection, where, job) if job else read_namespace(connection, where)
    except errors.NotFound as error:
        _fail(str(error), Exit.NOT_FOUND)
    except errors.Unauthorized as error:
        _fail(f"{error}: log in anew, or name another user's --context", Exit.NO_PERMISSION)
    except errors.Forbidden as error:
        _fail(f"{error}: it takes get and list of jobs and pods there (docs/explain.md)", Exit.NO_PERMISSION)
    except errors.ClusterError as error:
        _fail(f"{error}: see whether `kubectl cluster-info` has an answer", Exit.UNAVAILABLE)


def _fail(message: str, code: Exit) -> NoReturn:
    click.echo(f"eightbells: {message}", err=True)
    sys.exit(code)
