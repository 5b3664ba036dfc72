"""The options that say what a dispatch is, one for each field that people need; the rest is `--template`'s."""

from pathlib import Path
from typing import Any, get_args

import click
import msgspec
from eightbells.cli.durations import DURATION
from eightbells.cli.options import option
from eightbells.dispatcher.commands.options import SecretName, apply
from eightbells.dispatcher.dispatch import Dispatch, OnDisruption, Resources, Result, Security


class Pair(click.ParamType[tuple[str, Any]]):
    """`NAME=VALUE`, with the value of a type of its own."""

    def __init__(self, name: str, value: click.ParamType[Any] = click.STRING) -> None:
        self.name = name
        self._value = value

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Return name and value."""
        if isinstance(value, tuple):
            return value
        name, found, said = value.partition("=")
        if not name or not found:
            self.fail(f"{value!r} is not {self.name}", param, ctx)
        return name, self._value.convert(said, param, ctx)


class InputFile(click.ParamType[tuple[str, str]]):
    """A text file, under its own name or as `NAME=FILE`."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return the name and the text."""
        if isinstance(value, tuple):
            return value
        name, found, path = value.partition("=")
        file = Path(path if found else value)
        try:
            return (name if found else file.name), file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self.fail(f"{file}: {getattr(error, 'strerror', None) or 'is not text in UTF-8'}", param, ctx)


class Manifest(click.ParamType[dict[str, Any]]):
    """A manifest in YAML or JSON."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """Return the one object of the file."""
        if isinstance(value, dict):
            return value
        try:
            return msgspec.yaml.decode(Path(value).read_bytes(), type=dict[str, Any])
        except OSError as error:
            self.fail(f"{value}: {error.strerror}", param, ctx)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.fail(f"{value}: {error}", param, ctx)


field_options = apply(
    [
        option("--image", help="The image of the command."),
        option(
            "--id", help="Names the dispatch; submitting an id again starts nothing. One is made where none is said."
        ),
        option("--env", multiple=True, type=Pair("NAME=VALUE"), help="A variable of the command."),
        option(
            "--secret-env",
            multiple=True,
            type=Pair("NAME=secret:key", SecretName()),
            help="A variable out of a Secret.",
        ),
        option(
            "--secret-file", multiple=True, type=Pair("PATH=secret:key", SecretName()), help="A file out of a Secret."
        ),
        option("--input", multiple=True, type=InputFile(), help="A text file for the command; [NAME=]FILE."),
        option("--memory", metavar="QUANTITY", help="Limit and request: 512Mi, 2Gi."),
        option("--memory-request", metavar="QUANTITY", help="A request below the limit."),
        option("--cpu", metavar="QUANTITY", help="A request: 500m, 2. There is no limit unless said."),
        option("--cpu-limit", metavar="QUANTITY", help="A limit, which throttles."),
        option("--resource", multiple=True, type=Pair("NAME=QUANTITY"), help="Another limit: nvidia.com/gpu=1."),
        option("--timeout", type=DURATION, help="The command is stopped after this time."),
        option("--start-timeout", type=DURATION, default="20m", help="What may pass before it starts."),
        option("--grace", type=DURATION, default="30s", help="What it is given to stop."),
        option("--retries", type=click.IntRange(min=0), default=0, help="Further runs after a failed one."),
        option("--on-disruption", type=click.Choice(get_args(OnDisruption)), help="What a drained or lost node means."),
        option("--label", multiple=True, type=Pair("NAME=VALUE"), help="A label of Job and pod, in every ending."),
        option("--context", default="", metavar="TEXT", help="Opaque, given back with every ending."),
        option("--callback", metavar="URL", help="Where the ending is posted to."),
        option("--ttl", type=DURATION, default="1h", help="How long the Job stays after its end."),
        option("--service-account", metavar="NAME", help="The pod's account."),
        option("--security", type=click.Choice(get_args(Security)), default="standard", help="What the pod may do."),
        option("--inject", is_flag=True, help="Bring the wrapper into an image that does not have it."),
        option("--stream", is_flag=True, help="Stream the output while it comes."),
        option(
            "--leave-result",
            type=click.Choice(get_args(Result)),
            help="Whether the command may or must leave a result.",
        ),
        option("--template", type=Manifest(), help="A Job or PodTemplate manifest that is the base."),
        option("--traceparent", metavar="W3C", help="The trace that the dispatch belongs to."),
        option("--rerun", metavar="ID", help="Run another time, under a new id, what was dispatch ID."),
    ]
)


def dispatch_of(options: dict[str, Any], words: tuple[str, ...]) -> Dispatch:
    """Return the dispatch that the options and the words behind `--` say."""
    if not options["image"]:
        raise click.UsageError("no image: give --image, or --file with dispatches")
    same: tuple[str, ...] = (
        "image",
        "retries",
        "on_disruption",
        "context",
        "callback",
        "service_account",
        "security",
        "inject",
    )
    same = (*same, "timeout", "start_timeout", "grace", "stream", "template", "traceparent")
    return Dispatch(
        id=options["id"] or "",
        command=words,
        env=dict(options["env"]),
        secret_env=dict(options["secret_env"]),
        secret_files=dict(options["secret_file"]),
        inputs=dict(options["input"]),
        labels=dict(options["label"]),
        resources=Resources(
            memory=options["memory"],
            memory_request=options["memory_request"],
            cpu=options["cpu"],
            cpu_limit=options["cpu_limit"],
            extra=dict(options["resource"]),
        ),
        ttl=int(options["ttl"]),
        result=options["leave_result"],
        rerun_of=options["rerun"],
        **{name: options[name] for name in same},
    )
