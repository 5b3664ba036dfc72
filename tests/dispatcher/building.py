"""A Job from a few words, and what is looked at in it."""

from typing import Any

from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.job import build_job
from eightbells.dispatcher.settings import Settings

SETTINGS = Settings(cluster="harbour", runtime_image="registry.example/runtime:1")

Manifest = dict[str, Any]


def dispatch(**said: Any) -> Dispatch:
    """A dispatch that can become a Job, but for what is said."""
    return Dispatch(**{"id": "d", "image": "busybox:1.36", "command": ("true",), **said})


def job(settings: Settings = SETTINGS, **said: Any) -> Manifest:
    """The Job of that dispatch."""
    return build_job(dispatch(**said), settings)


def pod(settings: Settings = SETTINGS, **said: Any) -> Manifest:
    """The spec of its pod."""
    spec: Manifest = job(settings, **said)["spec"]["template"]["spec"]
    return spec


def main(settings: Settings = SETTINGS, **said: Any) -> Manifest:
    """Its container for the command; without a template the only one."""
    found = pod(settings, **said)["containers"]
    return next((one for one in found if one["name"] == "main"), found[0])


def variables(settings: Settings = SETTINGS, **said: Any) -> dict[str, Any]:
    """The variables of that container, in their order: values, or where they come from."""
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in main(settings, **said)["env"]}


def template(container: Manifest | None = None, *, job: Manifest | None = None, **pod: Any) -> Manifest:
    """A template: a Job with one container, and what is said of Job and pod."""
    spec = {"containers": [container], **pod} if container else pod
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": {**(job or {}), "template": {"spec": spec}}}
