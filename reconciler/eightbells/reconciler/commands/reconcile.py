"""`eightbells reconcile`: see to it that every dispatch has its ending, whatever ended it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from eightbells.cli import logs
from eightbells.cli.durations import DURATION
from eightbells.cli.exits import Exit
from eightbells.cli.options import CONTEXT, chosen_url, namespace_option, option, server_options
from eightbells.events.contract.keys import BadName
from eightbells.reconciler.commands.graces import Grace
from eightbells.reconciler.graces import Graces

if TYPE_CHECKING:
    from eightbells.reconciler.informer.connection import Connection
    from eightbells.reconciler.worker.options import Options


@click.command(context_settings=CONTEXT)
@option("--cluster", default="default", help="This cluster's name on the bus.")
@option(
    "-n",
    "--job-namespace",
    multiple=True,
    metavar="NAME",
    help="A Kubernetes namespace to watch; may be said again. By default all.",
)
@option("--kubeconfig", metavar="FILE", help="By default as kubectl finds it, or the pod we are in.")
@option("--kube-context", "--context", "kube_context", metavar="NAME", help="The context of the kubeconfig.")
@server_options
@namespace_option
@option("--grace-of", type=Grace(), multiple=True, help="How long a state must last before it is an ending.")
@option("--poll", type=DURATION, help="List at this interval, and never watch.")
@option("--enforce", is_flag=True, help="Delete a Job whose dispatch has ended before its command started.")
@option("--health-port", type=int, help="Serve /livez, /readyz and /metrics there.")
@option("--once", is_flag=True, help="Decide about what is there, and stop.")
@option("--dry-run", is_flag=True, help="Say what would be published, and publish nothing.")
@option("--release-all", is_flag=True, help="Take our finalizer off all pods, and stop: before it is uninstalled.")
def reconcile(url: str | None, url_file: str | None, **given: Any) -> None:
    """Watch the Jobs of a cluster and publish the endings that nobody else can.

    Any number of replicas may run side by side. Stops on SIGTERM or SIGINT.
    """
    # A second, which `--help` does not wait for.
    from eightbells.reconciler.informer.errors import ClusterError, Forbidden, Unauthorized
    from eightbells.reconciler.worker.errors import BadOption, BusDown, BusRefuses

    logs.configure()
    try:
        if given["release_all"]:
            _release(_connect(given), given["job_namespace"])
        else:
            chosen = chosen_url(url, url_file)
            _run(_connect(given), chosen, given)
    except (BadName, BadOption) as error:
        raise click.UsageError(str(error)) from None
    except (BusRefuses, Forbidden, Unauthorized) as error:
        _fail(error, Exit.NO_PERMISSION)
    except (BusDown, ClusterError) as error:
        _fail(error, Exit.UNAVAILABLE)


def _connect(given: dict[str, Any]) -> "Connection":
    from eightbells.reconciler.informer.connection import Connection

    connection = Connection.find(given["kubeconfig"], given["kube_context"])
    connection.get("/version")  # a kubeconfig that leads nowhere is said at once; later it is an outage
    return connection


def _release(connection: "Connection", namespaces: tuple[str, ...]) -> None:
    from eightbells.reconciler.worker.acting import release_all

    click.echo(f"released {release_all(connection, namespaces)} pods")


def _options(given: dict[str, Any]) -> "Options":
    from eightbells.reconciler.worker.options import Options

    return Options(
        namespaces=given["job_namespace"],
        graces=Graces(by_code=dict(given["grace_of"])),
        poll=given["poll"],
        enforce=given["enforce"],
        is_dry=given["dry_run"],
        is_once=given["once"],
    )


def _run(connection: "Connection", url: str, given: dict[str, Any]) -> None:
    from eightbells.reconciler.worker.assembly import assembled
    from eightbells.reconciler.worker.bus import Bus
    from eightbells.reconciler.worker.metrics import Metrics

    bus, metrics = Bus(url, given["namespace"], given["cluster"]), Metrics()
    with assembled(connection, bus, _options(given), metrics) as reconciler, _stopping(reconciler.stop):
        if given["health_port"] is None:
            reconciler.run()
            return
        from eightbells.reconciler.worker.health import serving

        with serving(given["health_port"], reconciler.why_not_alive, reconciler.why_not_ready, metrics.registry):
            reconciler.run()


@contextmanager
def _stopping(stop: Any) -> Iterator[None]:
    """Stop gracefully at the first signal; a second SIGINT ends us at once."""

    def told(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        stop()

    before = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fail(error: Exception, code: Exit) -> None:
    click.echo(f"eightbells: {error}", err=True)
    sys.exit(code)
