"""The variables of main: the caller's, and those that tell the wrapper what it is a run of.

Ours are there in every Job, but for those of what a dispatch may leave out (a result, a trace, a profile), so that no
`ENV` of an image decides. They come last: Kubernetes expands `$(NAME)` only where NAME stands above, so what the caller
wrote means what it meant before we added ours. Secrets come first, for then every other variable can be made of them.
"""

from collections.abc import Iterable
from typing import Any

from eightbells.dispatcher.deadline import termination_grace
from eightbells.dispatcher.dispatch import Dispatch, SecretKey
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.names import job_name
from eightbells.dispatcher.settings import Settings

PREFIX = "EIGHTBELLS_"

URL = f"{PREFIX}URL"

TEMPLATE_MAY_SAY = frozenset(
    f"{PREFIX}{name}" for name in ("CAPTURE", "DRAIN", "DUMPABLE", "SINK_SYNC", "STOP_IF_ENDED", "TLS_CERT", "TLS_KEY")
)
"""Variables of the wrapper that no field of a dispatch decides."""

FIELDS = {
    "POD": "metadata.name",
    "POD_UID": "metadata.uid",
    "POD_NAMESPACE": "metadata.namespace",
    "NODE": "spec.nodeName",
    "JOB_UID": "metadata.labels['batch.kubernetes.io/controller-uid']",
}
"""What only the cluster knows, by the field of the pod that says it."""


def check_template_env(base: Iterable[dict[str, Any]], path: str) -> None:
    """Refuse a template that speaks to the wrapper where the dispatch does."""
    for index, one in enumerate(base):
        if one["name"].startswith(PREFIX) and one["name"] not in TEMPLATE_MAY_SAY:
            raise Refused(f"{path}[{index}]", f"{one['name']} is what the dispatch and the settings say: leave it out")


def build_env(
    dispatch: Dispatch, settings: Settings, base: Iterable[dict[str, Any]], main: dict[str, Any], ours: dict[str, str]
) -> list[dict[str, Any]]:
    """Return the variables of main. `base` are the template's: one that the dispatch names too keeps its place."""
    secrets = {name: _secret(name, key) for name, key in dispatch.secret_env.items()}
    template = {one["name"]: one for one in base if one["name"] not in secrets}
    caller = {name: {"name": name, "value": value} for name, value in dispatch.env.items()}
    wrapper = _for_the_wrapper(dispatch, settings, main) | {PREFIX + name: value for name, value in ours.items()}
    plain = {name: {"name": name, "value": value.replace("$", "$$")} for name, value in wrapper.items()}
    return [
        *(secrets | template | caller).values(),
        *plain.values(),
        _secret(URL, settings.bus_secret),
        *_from_fields(),
    ]


def _for_the_wrapper(dispatch: Dispatch, settings: Settings, main: dict[str, Any]) -> dict[str, str]:
    said = {
        "DISPATCH_ID": dispatch.id,
        "NAMESPACE": settings.bus_namespace,
        "CLUSTER": settings.cluster,
        "JOB": job_name(settings.bus_namespace, dispatch.id),
        "CONTAINER": main["name"],
        "IMAGE": dispatch.image,
        "RESTART_COUNT": "0",
        "RETRIES": str(dispatch.retries),
        "TIMEOUT": _duration(dispatch.timeout or 0),
        "GRACE": _duration(termination_grace(dispatch, settings)),
        "RESERVE": _duration(settings.reserve),
        "HEARTBEAT": _duration(settings.heartbeat),
        "PUBLISH_TIMEOUT": _duration(settings.publish_timeout),
        "STREAM": "1" if dispatch.stream else "0",
        "TERMINATION_LOG": main["terminationMessagePath"],
    }
    if dispatch.security != "image":
        said["SECURITY"] = dispatch.security
    if dispatch.traceparent:
        said["TRACEPARENT"] = dispatch.traceparent
        said["TRACESTATE"] = dispatch.tracestate or ""
    return {PREFIX + name: value for name, value in said.items()}


def _from_fields() -> list[dict[str, Any]]:
    return [
        {"name": PREFIX + name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
        for name, path in FIELDS.items()
    ]


def _secret(name: str, key: SecretKey) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": key.secret, "key": key.key}}}


def _duration(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
