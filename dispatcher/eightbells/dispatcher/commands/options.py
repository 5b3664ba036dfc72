"""The options that the dispatcher's commands share: which cluster, which bus, and what an installation decides."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from eightbells.cli import logs
from eightbells.cli.exits import Exit
from eightbells.cli.options import chosen_url, namespace_option, option, server_options
from eightbells.dispatcher.commands.exits import fail
from eightbells.dispatcher.dispatch import SecretKey
from eightbells.dispatcher.errors import DispatcherError
from eightbells.dispatcher.settings import Settings
from eightbells.events.contract.keys import BadName

if TYPE_CHECKING:
    from eightbells.dispatcher.dispatcher import Dispatcher

REQUESTS = 16
"""Requests that are under way at once, by default."""

Decorator = Callable[[Any], Any]


class SecretName(click.ParamType[SecretKey]):
    """A key of a Secret, written `secret:key`."""

    name = "secret:key"

    def convert(self, value: str | SecretKey, param: click.Parameter | None, ctx: click.Context | None) -> SecretKey:
        """Return the Secret's name and the key."""
        if isinstance(value, SecretKey):
            return value
        secret, _, key = value.partition(":")
        if not secret or not key:
            self.fail(f"{value!r} is not a key of a Secret: write secret:key", param, ctx)
        return SecretKey(secret, key)


def apply(options: list[Any]) -> Decorator:
    """Return a decorator that adds the options in this order."""

    def add(command: Any) -> Any:
        for one in reversed(options):
            command = one(command)
        return command

    return add


cluster_options = apply(
    [
        option("--cluster", default="default", help="This cluster's name on the bus."),
        option("-n", "--job-namespace", default="default", help="The Kubernetes namespace of the Jobs."),
        option("--kubeconfig", metavar="FILE", help="By default as kubectl finds it, or the pod we are in."),
        option("--kube-context", metavar="NAME", help="The context of the kubeconfig."),
        server_options,
        namespace_option,
    ]
)

installation_options = apply(
    [
        option("--bus-secret", type=SecretName(), default="eightbells-bus:url", help="Holds the pod's URL of the bus."),
        option("--bus-ca-secret", type=SecretName(), help="Holds the certificate of the authority that signs for it."),
        option("--runtime-image", metavar="IMAGE", help="What --inject brings the wrapper from."),
        option("--runtime-pull-secret", multiple=True, metavar="SECRET", help="Lets the runtime image be pulled."),
        option("--require-digest", is_flag=True, help="Refuse images that are named by a tag."),
        option("--keep-evidence", is_flag=True, help="Keep deleted pods until a reconciler has read them."),
    ]
)


def settings_of(options: dict[str, Any]) -> Settings:
    """Return the settings; what a command has no option for stays at its default."""
    known: dict[str, Any] = {}
    if "bus_secret" in options:
        names = ("bus_secret", "bus_ca_secret", "runtime_image", "require_digest", "keep_evidence")
        known = {name: options[name] for name in names}
        known["runtime_pull_secrets"] = tuple(options["runtime_pull_secret"])
    return Settings(
        cluster=options["cluster"],
        namespace=options["job_namespace"],
        bus_namespace=options["namespace"],
        **known,
    )


@contextmanager
def open_dispatcher(options: dict[str, Any]) -> "Iterator[Dispatcher]":
    """Open a dispatcher as the options say; what goes wrong in it ends the command with a message and its code."""
    # A second, which `--help` does not wait for.
    from eightbells.dispatcher.connection import Connection
    from eightbells.dispatcher.dispatcher import Dispatcher

    logs.configure("WARNING")
    url = chosen_url(options["url"], options["url_file"])
    concurrency = options.get("requests", REQUESTS)
    try:
        api = Connection.find(options["kubeconfig"], options["kube_context"], connections=concurrency)
        with Dispatcher(settings_of(options), url, api, concurrency=concurrency) as dispatcher:
            yield dispatcher
    except BadName as error:
        raise click.UsageError(str(error)) from None
    except DispatcherError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
