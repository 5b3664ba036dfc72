"""What of a cluster a command is asked about: a Job by the names that kubectl takes, and the namespace it is in."""

import re
from pathlib import Path
from typing import Any

import click

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

DEFAULT = "default"

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_KINDS = frozenset({"job", "jobs", "job.batch", "jobs.batch"})


class ObjectName(click.ParamType[str]):
    """The name of an object of the API."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or say what one looks like."""
        if not _NAME.fullmatch(value):
            self.fail(f"{value!r} is not a name in a cluster: it has 1 to 253 of a-z 0-9 - .", param, ctx)
        return value


class JobName(ObjectName):
    """A Job, written `job/NAME` or `NAME`."""

    name = "job/name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the Job's name."""
        kind, slash, name = value.partition("/")
        if slash and kind not in _KINDS:
            self.fail(f"{value!r} is not a Job: write job/NAME", param, ctx)
        return super().convert(name if slash else value, param, ctx)


def namespace_of(kubeconfig: str | None, context: str | None) -> str:
    """Return the namespace that kubectl would take: the context's, or that of the pod we are in."""
    from kubernetes import config

    try:
        contexts, active = config.list_kube_config_contexts(config_file=kubeconfig)  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError, ValueError, TypeError, KeyError):  # whoever connects says what is wrong
        return IN_CLUSTER.read_text().strip() if IN_CLUSTER.exists() else DEFAULT
    chosen: Any = next((one for one in contexts if one["name"] == context), None) if context else active
    return str(((chosen or {}).get("context") or {}).get("namespace") or DEFAULT)
