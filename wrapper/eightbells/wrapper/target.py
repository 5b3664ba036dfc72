"""What is reported on and where to: the dispatch, the bus, the place; read while the command already runs.

A dispatch id that makes no sense is the end of reporting; without an address that does, there is still the termination
message.
"""

from __future__ import annotations

import posix

from eightbells.events.contract import keys
from eightbells.wrapper.address import parse_address
from eightbells.wrapper.environment import DISPATCH, PREFIX, RESULT, URL
from eightbells.wrapper.trace import find_trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from eightbells.wrapper.address import Address
    from eightbells.wrapper.environment import Variables

    Value = TypeVar("Value")

PLACE = {
    "cluster": "CLUSTER",
    "namespace": "POD_NAMESPACE",
    "job": "JOB",
    "job_uid": "JOB_UID",
    "pod": "POD",
    "pod_uid": "POD_UID",
    "node": "NODE",
    "container": "CONTAINER",
    "image": "IMAGE",
}
"""The fields of an event's place, and the variables that tell them (from the downward API)."""

PLACE_LENGTH = 640
"""Longer than any name in Kubernetes or reference of an image; output is what an event's room is for."""

SHORTEST_SECRET = 4
"""Masking a password of one letter would make the output unreadable and tell the letter."""


class Unusable(ValueError):
    """Nothing can be reported: says which variable is wrong, and how."""


class Target:
    """A dispatch and its bus. Without an `address` there is a `problem`; `heartbeat` is seconds, 0 for none; `secrets`
    must not appear in an event. Raises `Unusable` where there is no dispatch id.
    """

    def __init__(self, told: Variables) -> None:
        self.dispatch = _demand(told, DISPATCH, keys.check_dispatch)
        self.address: Address | None = None
        self.problem = ""
        try:
            self.address = _demand(told, URL, parse_address)
            self.address.ca = told.exact(f"{PREFIX}TLS_CA")
            self.address.certificate = told.exact(f"{PREFIX}TLS_CERT")
            self.address.key = told.exact(f"{PREFIX}TLS_KEY")
            _warn_of_key(told, self.address)
        except Unusable as problem:
            self.problem = str(problem)
        self.namespace = _choose(told, "NAMESPACE", "default", keys.check_namespace)
        self.heartbeat = told.seconds("HEARTBEAT", 10.0)
        self.retries = told.number("RETRIES", 0)
        self.restart_count = told.number("RESTART_COUNT", None)
        self.stop_if_ended = told.switch("STOP_IF_ENDED", True)
        self.result = told.exact(RESULT)
        self.is_result_required = told.switch("RESULT_REQUIRED", False)
        self.termination_log = told.exact(f"{PREFIX}TERMINATION_LOG")
        self.is_indexed = bool(told.exact("JOB_COMPLETION_INDEX"))
        self.place: dict[str, str | None] = {
            field: told.text(name)[:PLACE_LENGTH] or None for field, name in PLACE.items()
        }
        self.place["cluster"] = _choose(told, "CLUSTER", "", keys.check_cluster) or None
        self.place["node"] = self.place["node"] or posix.uname().nodename
        self.place["image_id"] = _identify(self.place["image"])
        self.security = told.text("SECURITY")[:PLACE_LENGTH]
        self.is_synced = told.switch("SINK_SYNC", False)
        self.traceparent, self.tracestate = find_trace(told)
        self.secrets = _secrets(told, self.address)


def _identify(image: str | None) -> str | None:
    """The name with the digest, as a kubelet writes it, of an image that is named by one; a tag may mean any image."""
    name, at, digest = (image or "").partition("@")
    path, slash, last = name.rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}@{digest}" if at else None


def _demand(told: Variables, names: tuple[str, ...], parse: Callable[[str], Value]) -> Value:
    """Read the first of these variables that is set. Raises `Unusable`."""
    name = next(filter(told.exact, names), None)
    if name is None:
        raise Unusable(f"{names[0]} is not set")
    try:
        return parse(told.exact(name))
    except ValueError as problem:
        raise Unusable(f"{name} is ignored: {problem}") from None


def _choose(told: Variables, name: str, default: str, check: Callable[[str], str]) -> str:
    try:
        return check(told.text(name) or default)
    except ValueError as problem:
        told.complain(PREFIX + name, str(problem))
        return default


def _warn_of_key(told: Variables, address: Address) -> None:
    """Say that the command can read our key, which may be in the certificate's file."""
    name = "TLS_KEY" if address.key else "TLS_CERT"
    if address.is_tls and address.certificate:
        told.warn_of_file(PREFIX + name, address.key or address.certificate, "let the command become another")


def _secrets(told: Variables, address: Address | None) -> tuple[bytes, ...]:
    """The password as it is and as the URL spells it."""
    if address is None:
        return ()
    url = next(filter(None, map(told.exact, URL)), "")
    spelled = {address.password, url.partition("://")[2].rpartition("@")[0].partition(":")[2]}
    return tuple(secret.encode("utf-8", "surrogateescape") for secret in spelled if len(secret) >= SHORTEST_SECRET)
