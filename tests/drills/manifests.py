"""The Job of a drill: as the dispatcher makes it, changed where no dispatch can say it, and without the wrapper."""

from collections.abc import Mapping
from typing import Any

from eightbells.dispatcher import Dispatch, Settings
from eightbells.dispatcher.job import build_job
from eightbells.dispatcher.names import WRAPPER_ANNOTATION

from tests.cluster.images import BUSYBOX
from tests.drills.drill import Drill

Manifest = dict[str, Any]


def template_of(drill: Drill) -> Manifest:
    """The template of its dispatch."""
    others = list(drill.pod.get("containers", ()))
    pod = {**drill.pod, "containers": [{"name": "main", **drill.main}, *others]}
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": {**drill.spec, "template": {"spec": pod}}}


def manifest_of(drill: Drill, dispatch: Dispatch, settings: Settings) -> Manifest:
    """The Job of its dispatch with what no dispatch can say."""
    job: Manifest = build_job(dispatch, settings)
    job["spec"] = patched(job["spec"], drill.raw.get("job", {}))
    pod = job["spec"]["template"]["spec"] = patched(job["spec"]["template"]["spec"], drill.raw.get("pod", {}))
    pod["containers"] = [patched(one, drill.raw.get("main", {})) if is_main(one) else one for one in pod["containers"]]
    return job


def without_wrapper(job: Manifest, image: str = "") -> Manifest:
    """The same Job on a plain image: Kubernetes starts the command, and nobody reports."""
    template = job["spec"]["template"]
    annotations = {key: text for key, text in template["metadata"]["annotations"].items() if key != WRAPPER_ANNOTATION}
    containers = [_plain(one, image) if is_main(one) else one for one in template["spec"]["containers"]]
    metadata = {**template["metadata"], "annotations": annotations}
    bare = {"metadata": metadata, "spec": {**template["spec"], "containers": containers}}
    return {**job, "spec": {**job["spec"], "template": bare}}


def patched(whole: Mapping[str, Any], patch: Mapping[str, Any]) -> Manifest:
    """As by a JSON merge patch (RFC 7396)."""
    found = dict(whole)
    for name, value in patch.items():
        found[name] = patched(found.get(name) or {}, value) if isinstance(value, Mapping) else value
    return {name: value for name, value in found.items() if value is not None}


def is_main(container: Mapping[str, Any]) -> bool:
    return bool(container["name"] == "main")


def _plain(main: Manifest, image: str) -> Manifest:
    env = [one for one in main.get("env", ()) if not one["name"].startswith("EIGHTBELLS_")]
    bare = {name: value for name, value in main.items() if name != "args"}
    return {**bare, "image": image or BUSYBOX, "command": main.get("args", []), "env": env}
