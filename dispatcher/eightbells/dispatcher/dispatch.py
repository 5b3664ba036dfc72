"""A dispatch as its caller says it: what to run, with what, for how long, and who is told.

Everything else a pod can have (volumes, affinity, tolerations, sidecars, pull secrets) comes from `template`, a Job or
PodTemplate manifest that is the base. Durations are seconds, sizes Kubernetes' quantities.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from eightbells.dispatcher.errors import Refused
from msgspec import Struct, field

Security = Literal["standard", "restricted", "image"]
OnDisruption = Literal["retry", "count", "fail"]
Result = Literal["optional", "required"]


class SecretKey(Struct, frozen=True, forbid_unknown_fields=True):
    """One key of a Secret in the dispatch's namespace. The value itself never comes near us."""

    secret: str
    key: str


class Resources(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the command is given, as Kubernetes quantities. The memory request is the limit unless said; of CPU there
    is only a request unless a limit is said, because a limit throttles. `extra` are limits of other resources.
    """

    memory: str | None = None
    memory_request: str | None = None
    cpu: str | None = None
    cpu_limit: str | None = None
    extra: dict[str, str] = {}


START_TIMEOUT = 20 * 60
"""More than the longest grace of what has not started: with it the reconciler waits as long as it would anyway."""


class Dispatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A unit of work. Without an `id` it is given one when it is submitted.

    `retries`: further runs after a failed one. `on_disruption`: what a drain or a lost node is: another run that is not
    counted, one that is, or the end; by default "retry" where there are retries, else "fail". `context` is opaque and
    echoed with every ending. `inputs`: text by file name, in `/eightbells-inputs`. `result`: whether the command may or
    must leave one. `inject`: bring the wrapper into an image that does not have it. `rerun_of`: the dispatch this is
    another go at.
    """

    image: str
    id: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    secret_env: dict[str, SecretKey] = {}
    secret_files: dict[str, SecretKey] = {}
    resources: Resources = field(default_factory=Resources)
    timeout: float | None = None
    start_timeout: float = START_TIMEOUT
    grace: float = 30
    retries: int = 0
    on_disruption: OnDisruption | None = None
    labels: dict[str, str] = {}
    context: str = ""
    callback: str | None = None
    ttl: int = 3600
    namespace: str | None = None
    service_account: str | None = None
    security: Security = "standard"
    inject: bool = False
    stream: bool = False
    inputs: dict[str, str] = {}
    result: Result | None = None
    template: dict[str, Any] | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    rerun_of: str | None = None


DURATIONS = ("timeout", "start_timeout", "grace", "ttl")
"""Fields that may also be written `30s`, `5m`, `2h`, `1d` or `500ms`."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def read_dispatch(document: Mapping[str, Any] | bytes | str) -> Dispatch:
    """Return the dispatch that a document says, JSON or decoded. Raises `Refused` with the path to what is wrong."""
    try:
        found = msgspec.json.decode(document) if isinstance(document, bytes | str) else document
        if isinstance(found, Mapping):
            found = {name: _seconds(name, value) if name in DURATIONS else value for name, value in found.items()}
        return msgspec.convert(found, Dispatch)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        raise Refused(path.strip(".`") or "dispatch", problem) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("dispatch", f"is not JSON: {error}") from None


def retype_dispatch(dispatch: Dispatch) -> Dispatch:
    """Return the dispatch with every value of its field's type. Raises `Refused` where one cannot be."""
    try:
        return read_dispatch(msgspec.to_builtins(dispatch, str_keys=True))
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused("dispatch", f"has a value that JSON cannot say: {error}") from None


def _seconds(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value.strip())
    if not found:
        raise Refused(name, f"{value[:40]!r} is not a duration: write 500ms, 30s, 5m, 2h, 1d or a number of seconds")
    seconds = float(found[1]) * _SECONDS[found[2]]
    return int(seconds) if seconds.is_integer() else seconds
