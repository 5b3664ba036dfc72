"""What free text of containerd, the kubelet, the scheduler and admission means. Unknown text is never an error.

Whole words and status codes alone count: never the digits of a host, a port or a digest.
"""

import re

from eightbells.events.codes import Code, Fault
from msgspec import Struct


class Meaning(Struct, frozen=True):
    """What a text stands for: the code, who is to blame where the code leaves it open, and the cause in a few words."""

    code: Code
    cause: str
    fault: Fault | None = None


RUNS_AS_ROOT = "it would run as root"

NO_SCHEDULER = "no such scheduler"

LIMIT_TOO_LOW = "the memory limit is too low"

VAGUE = "the pull fails"
"""The cause where a message names none: another one that was seen may."""

_STATUS = re.compile(r"(?::\s+|status(?: code)?:?\s+|HTTP )([1-5]\d\d)(?=[\s:,.]|$)")
_BUSY = re.compile(
    r"\b(timeout|deadline exceeded|request canceled|no such host|server misbehaving|connection refused|connection reset"
    r"|toomanyrequests)\b|: EOF|\bunexpected EOF|\bx509:|\btls:",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(unauthorized|authentication required|no basic auth|denied|authorization failed)\b", re.IGNORECASE
)
_ABSENT = re.compile(
    r"failed to resolve reference .*\bnot found\b|\bmanifest unknown\b|\bname unknown\b|manifest for .* not found",
    re.IGNORECASE | re.DOTALL,
)
_PLATFORM = re.compile(r"\bno match for platform\b")


def read_pull_error(message: str) -> Meaning:
    """Return what a pull error means, in the order of docs/faults.md: unreachable before denied before absent."""
    statuses = _STATUS.findall(message)
    if said := _said(_BUSY, message, [one for one in statuses if one[0] == "5" or one == "429"]):
        return Meaning(Code.IMAGE_REGISTRY_UNAVAILABLE, said)
    if said := _said(_DENIED, message, [one for one in statuses if one in {"401", "403"}]):
        return Meaning(Code.IMAGE_UNAUTHORIZED, said)
    if _ABSENT.search(message):
        return Meaning(Code.IMAGE_NOT_FOUND, "not found")
    if _PLATFORM.search(message):
        return Meaning(Code.IMAGE_PULL_FAILED, "not for this platform", "config")
    return Meaning(Code.IMAGE_PULL_FAILED, VAGUE, "dependency")


def _said(pattern: re.Pattern[str], message: str, statuses: list[str]) -> str | None:
    """The status that the registry answers, or the words that say it."""
    if statuses:
        return f"the registry answers {statuses[0]}"
    found = pattern.search(message)
    return found[0].strip(": ") if found else None


_PASSING = re.compile(r"context deadline exceeded|failed to sync|subPath", re.IGNORECASE)
_NODES_OWN = re.compile(
    rf"{_PASSING.pattern}|failed to reserve|is reserved for|already in use|\bunavailable\b|connection refused"
    r"|no space left|input/output error|transport",
    re.IGNORECASE,
)


def read_create_error(reason: str, message: str) -> Meaning:
    """Return what keeps a container from being created: what it asks for, or its node."""
    if reason == "CreateContainerConfigError" and not _PASSING.search(message):
        cause = RUNS_AS_ROOT if "runAsNonRoot" in message else "what it asks for is not there"
        return Meaning(Code.CONTAINER_CONFIG_ERROR, cause)
    fault: Fault = "infra" if _NODES_OWN.search(message) else "config"
    return Meaning(Code.CONTAINER_CREATE_ERROR, "its node" if fault == "infra" else "what it asks for", fault)


_WEBHOOK_DOWN = re.compile(
    r"failed calling webhook|\btimed? ?out\b|timeout|context deadline exceeded|connection refused|unable to handle"
    r"|Internal error occurred|InternalError|ServiceUnavailable",
    re.IGNORECASE,
)


def read_create_denial(message: str) -> Meaning:
    """Return why a Job's pod cannot be created, from a FailedCreate Event."""
    if "exceeded quota:" in message:
        return Meaning(Code.QUOTA_EXCEEDED, "exceeded quota")
    if "denied the request" not in message and _WEBHOOK_DOWN.search(message):
        return Meaning(Code.WEBHOOK_UNAVAILABLE, "a webhook does not answer")
    return Meaning(Code.POD_CREATE_DENIED, "it is refused")


_MISSING = re.compile(
    r"\b(secrets?|configmaps?|persistentvolumeclaims?)\b.*\bnot found\b|references non-existent (secret|config) key",
    re.IGNORECASE,
)


_TOO_LOW = re.compile(r"unable to set memory limit|container init was OOM-killed|memory limit too low")


def is_limit_too_low(message: str) -> bool:
    """Whether the runtime had less memory than it needs to start anything at all."""
    return bool(_TOO_LOW.search(message))


def read_volume_error(message: str) -> Meaning:
    """Return why a sandbox or volume does not become ready: config where what it names is missing, or its memory limit
    is below what a sandbox needs.
    """
    if is_limit_too_low(message):
        return Meaning(Code.SANDBOX_OR_VOLUME, LIMIT_TOO_LOW, "config")
    if said := _MISSING.search(message):
        return Meaning(Code.SANDBOX_OR_VOLUME, said[0], "config")
    return Meaning(Code.SANDBOX_OR_VOLUME, "its node's network or storage", "infra")


_UNSCHEDULABLE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"Insufficient ([^\s,.]+)"), "insufficient {}"),
    (re.compile(r"(persistentvolumeclaim|volume)", re.IGNORECASE), "volume"),
    (re.compile(r"(affinity|selector)"), "affinity"),
    (re.compile(r"(taint)"), "taint"),
)
"""The most telling first: a control plane's taint is in nearly every such message."""


def read_unschedulable(message: str) -> str:
    """Return the class of an unschedulable pod: insufficient X, volume, affinity, taint, or other."""
    for pattern, name in _UNSCHEDULABLE:
        if said := pattern.search(message):
            return name.format(said[1])
    return "other"


class PolicyMatch(Struct, frozen=True):
    """What a Job's condition says of the pod that its podFailurePolicy failed on: by exit code, or by condition."""

    pod: str
    container: str | None = None
    exit_code: int | None = None
    condition: str | None = None


_BY_EXIT = re.compile(r"Container (\S+) for pod (?:\S+/)?(\S+) failed with exit code (\d{1,9}) matching ")
_BY_CONDITION = re.compile(r"Pod (?:\S+/)?(\S+) has condition (\S+) matching ")


def read_policy_match(message: str) -> PolicyMatch | None:
    """Return what matched; None for text of another kind."""
    if said := _BY_EXIT.match(message):
        return PolicyMatch(said[2], said[1], exit_code=int(said[3]))
    if said := _BY_CONDITION.match(message):
        return PolicyMatch(said[1], condition=said[2])
    return None
