"""The pod of a dispatch: the template, with main made ours, and what the parts add."""

from typing import Any

from eightbells.dispatcher.deadline import termination_grace
from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.environment import build_env
from eightbells.dispatcher.part import Manifest, Part, join_parts
from eightbells.dispatcher.security import harden
from eightbells.dispatcher.settings import Settings


def build_pod(dispatch: Dispatch, settings: Settings) -> Manifest:
    """Return the spec of the pod."""
    added = join_parts([])
    spec: Manifest = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": termination_grace(dispatch, settings),
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "containers": [build_main(dispatch, settings, added)],
    }
    if dispatch.service_account:
        spec["serviceAccountName"] = dispatch.service_account
    return spec


def build_main(dispatch: Dispatch, settings: Settings, added: Part) -> Manifest:
    """Return the container of the command."""
    main: Manifest = {
        "name": "main",
        "image": dispatch.image,
        "imagePullPolicy": pull_policy(dispatch.image),
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": build_resources(dispatch),
        "securityContext": harden(dispatch.security, {}),
    }
    words = [*dispatch.command, *dispatch.args]
    if words:
        main["args"] = words
    main["env"] = build_env(dispatch, settings, (), main, added.env)
    return {name: value for name, value in main.items() if value != {}}


def build_resources(dispatch: Dispatch) -> Manifest:
    """Return requests and limits: of memory the same, of CPU a request, unless the dispatch says more."""
    said = dispatch.resources
    limits: dict[str, Any] = {"memory": said.memory, "cpu": said.cpu_limit, **said.extra}
    requests = {"memory": said.memory_request or said.memory, "cpu": said.cpu}
    both = {"limits": limits, "requests": requests}
    found = {kind: {name: value for name, value in some.items() if value} for kind, some in both.items()}
    return {kind: some for kind, some in found.items() if some}


def pull_policy(image: str) -> str:
    """Return IfNotPresent where the name always means the same image, as far as a name can."""
    tag = image.rpartition("/")[2].partition(":")[2]
    return "IfNotPresent" if "@" in image or tag not in ("", "latest") else "Always"
