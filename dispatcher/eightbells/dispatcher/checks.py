"""Refuses what no Job can be made of, before anything is registered: the field, what is wrong with it, the remedy.

What only the cluster can know (quota, admission, whether a Secret exists) is left to it.
"""

import re
from urllib.parse import urlsplit

from eightbells.dispatcher.deadline import LONGEST, UNLIMITED, active_deadline, termination_grace
from eightbells.dispatcher.dispatch import Dispatch, SecretKey
from eightbells.dispatcher.environment import PREFIX
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.limits import check_inputs
from eightbells.dispatcher.quantities import check_resources
from eightbells.dispatcher.settings import Settings
from eightbells.dispatcher.syntax import (
    check_dns_label,
    check_dns_subdomain,
    check_file_name,
    check_image,
    check_label_value,
    check_path,
    check_qualified_name,
    check_variable,
)
from eightbells.dispatcher.template import is_others
from eightbells.dispatcher.text import check_text
from eightbells.events.contract import keys
from eightbells.events.contract.limits import CONTEXT_BYTES

SHORTEST_TTL = 300
"""Seconds: a reconciler that was away must still find the Job and say how it ended."""

MOST_RETRIES = 1000

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_TRACESTATE = re.compile(r"[\x20-\x7e]{1,512}")


def check(dispatch: Dispatch, settings: Settings) -> None:
    """Raise `Refused` for the first field that cannot become part of a Job."""
    check_text(dispatch)
    check_settings(settings)
    check_identity(dispatch)
    check_image("image", dispatch.image, require_digest=settings.require_digest)
    check_times(dispatch, settings)
    check_variables(dispatch)
    check_labels(dispatch)
    check_resources(dispatch.resources)
    check_files(dispatch)
    check_told(dispatch)
    if dispatch.inject and not settings.runtime_image:
        raise Refused(
            "inject", "there is no image to take the wrapper from: set `runtime_image`, or say --runtime-image"
        )


def check_settings(settings: Settings) -> None:
    """Refuse an installation whose own names are none."""
    _check_key("settings.bus_namespace", keys.check_namespace, settings.bus_namespace)
    _check_key("settings.cluster", keys.check_cluster, settings.cluster)
    check_dns_label("settings.namespace", settings.namespace)
    _check_secret("settings.bus_secret", settings.bus_secret)
    if settings.bus_ca_secret:
        _check_secret("settings.bus_ca_secret", settings.bus_ca_secret)
    if settings.runtime_image is not None:
        check_image("settings.runtime_image", settings.runtime_image, require_digest=settings.require_digest)
    for index, name in enumerate(settings.runtime_pull_secrets):
        check_dns_subdomain(f"settings.runtime_pull_secrets[{index}]", name)
    for name in ("reserve", "heartbeat", "publish_timeout"):
        _check_seconds(f"settings.{name}", getattr(settings, name), least=0)


def check_identity(dispatch: Dispatch) -> None:
    """Refuse ids and names that bus or cluster would not take."""
    _check_key("id", keys.check_dispatch, dispatch.id)
    if dispatch.rerun_of is not None:
        _check_key("rerun_of", keys.check_dispatch, dispatch.rerun_of)
        if dispatch.rerun_of == dispatch.id:
            raise Refused("rerun_of", "is the dispatch itself: an id is used once, so give this one another")
    if dispatch.namespace is not None:
        check_dns_label("namespace", dispatch.namespace)
    if dispatch.service_account is not None:
        check_dns_subdomain("service_account", dispatch.service_account)


def check_times(dispatch: Dispatch, settings: Settings) -> None:
    """Refuse times that are none, or that a Job has no room for."""
    if dispatch.timeout is not None:
        _check_seconds("timeout", dispatch.timeout, least=0.001)
    _check_seconds("start_timeout", dispatch.start_timeout, least=1)
    _check_seconds("grace", dispatch.grace, least=0)
    if not 0 <= dispatch.retries <= MOST_RETRIES:
        raise Refused("retries", f"{dispatch.retries} is not 0 to {MOST_RETRIES}")
    if not SHORTEST_TTL <= dispatch.ttl <= LONGEST:
        raise Refused(
            "ttl",
            f"{dispatch.ttl} s is not {SHORTEST_TTL} to {LONGEST}: the Job must outlive a pause of its reader",
        )
    if dispatch.timeout is None and dispatch.start_timeout >= UNLIMITED:
        raise Refused(
            "start_timeout", f"leaves nothing of the {UNLIMITED} s of a dispatch without a `timeout`: say one"
        )
    if max(active_deadline(dispatch, settings), termination_grace(dispatch, settings)) > LONGEST:
        raise Refused("timeout", f"with start_timeout, grace and all retries this is more than {LONGEST} s: say less")


def check_variables(dispatch: Dispatch) -> None:
    """Refuse variables that are ours, or no names, or there twice."""
    for field, names in (("env", dispatch.env), ("secret_env", dispatch.secret_env)):
        for name in names:
            check_variable(f"{field}[{name!r}]", name)
            if name.startswith(PREFIX):
                raise Refused(f"{field}[{name!r}]", f"{PREFIX}… tells the wrapper, and is not handed to the command")
    for name, key in dispatch.secret_env.items():
        _check_secret(f"secret_env[{name!r}]", key)
        if name in dispatch.env:
            raise Refused(f"env[{name!r}]", "is in `secret_env` too: keep one")


def check_labels(dispatch: Dispatch) -> None:
    """Refuse labels that Kubernetes would not take, or that are somebody's whose word counts."""
    for key, value in dispatch.labels.items():
        field = f"labels[{key!r}]"
        check_qualified_name(field, key)
        check_label_value(field, value)
        if is_others(key):
            raise Refused(field, "is set by us or by Kubernetes: choose another name")


def check_files(dispatch: Dispatch) -> None:
    """Refuse files that cannot be where they should be."""
    for path, key in dispatch.secret_files.items():
        field = f"secret_files[{path!r}]"
        check_path(field, path)
        _check_secret(field, key)
    for name in dispatch.inputs:
        check_file_name(f"inputs[{name!r}]", name)
    check_inputs(dispatch)


def check_told(dispatch: Dispatch) -> None:
    """Refuse what is handed on with the ending and cannot be."""
    size = len(dispatch.context.encode())
    if size > CONTEXT_BYTES:
        raise Refused("context", f"{size:,} bytes are more than {CONTEXT_BYTES:,}: keep it elsewhere, and its key here")
    if dispatch.traceparent is not None and not _TRACEPARENT.fullmatch(dispatch.traceparent):
        raise Refused("traceparent", "is not one of W3C Trace Context: 00-<32 hex>-<16 hex>-<2 hex>")
    if dispatch.tracestate is not None and not (dispatch.traceparent and _TRACESTATE.fullmatch(dispatch.tracestate)):
        raise Refused(
            "tracestate", "is not one of W3C Trace Context: at most 512 printable characters, and a traceparent"
        )
    if dispatch.callback is not None:
        check_callback(dispatch.callback)


def check_callback(url: str) -> None:
    """Refuse what nobody could post to, and a password that whoever reads the bus would read."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise Refused("callback", "is not a URL: write https://host/path") from None
    if not is_url or not url.isascii() or not url.isprintable() or " " in url or len(url) > 2048:
        raise Refused("callback", "is not an http or https URL of at most 2048 characters: write https://host/path")
    if parts.username is not None or parts.password is not None:
        raise Refused("callback", "has a user or password: the receiver should check the signature instead")


def _check_seconds(field: str, seconds: float, *, least: float) -> None:
    if not least <= seconds <= LONGEST:  # false for what is not a number, too
        raise Refused(field, f"{seconds:g} is not {least:g} to {LONGEST} seconds")


def _check_secret(field: str, key: SecretKey) -> None:
    check_dns_subdomain(f"{field}.secret", key.secret)
    check_file_name(f"{field}.key", key.key)


def _check_key(field: str, rule: object, text: str) -> None:
    try:
        rule(text)  # type: ignore[operator]
    except keys.BadName as problem:
        raise Refused(field, str(problem)) from None
