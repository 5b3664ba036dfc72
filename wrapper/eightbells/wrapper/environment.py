"""What the wrapper is told: the variables of its environment, read once into one value that nobody changes.

Whatever is wrong with ours is a line on stderr, the default holds, and the command runs. The command gets the
environment as it was found, without our variables.
"""

from __future__ import annotations

import posix

from eightbells.events.contract import keys
from eightbells.wrapper.address import Address, parse_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Default = TypeVar("Default", int, bool, None)

PREFIX = "EIGHTBELLS_"

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

PLACE_LENGTH = 512
"""Longer than any name in Kubernetes or reference of an image; output is what an event's room is for."""

VARIABLES = frozenset(PLACE.values()) | {
    "CAPTURE",
    "DISPATCH_ID",
    "DRAIN",
    "GRACE",
    "HEARTBEAT",
    "NAMESPACE",
    "PUBLISH_TIMEOUT",
    "RESERVE",
    "RESTART_COUNT",
    "RETRIES",
    "STOP_IF_ENDED",
    "TIMEOUT",
    "URL",
}

SHORTEST_SECRET = 4
"""Masking a password of one letter would make the output unreadable and tell the letter."""

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}


class Environment:
    """What was told. Times are seconds; `timeout` and `heartbeat` are 0 when there are none."""

    __slots__ = (
        "address",
        "capture",
        "command",
        "complaints",
        "dispatch",
        "drain",
        "grace",
        "heartbeat",
        "is_indexed",
        "namespace",
        "place",
        "publish_timeout",
        "reserve",
        "restart_count",
        "retries",
        "secrets",
        "stop_if_ended",
        "timeout",
    )

    def __init__(self, raw: dict[bytes, bytes]) -> None:
        told = _Variables(raw)
        self.dispatch = told.dispatch()
        self.address = told.address(is_needed=bool(self.dispatch))
        self.namespace = told.named("NAMESPACE", "default", keys.check_namespace)
        self.timeout = told.seconds("TIMEOUT", 0.0)
        self.grace = told.seconds("GRACE", 30.0)
        self.reserve = told.seconds("RESERVE", 2.0)
        self.heartbeat = told.seconds("HEARTBEAT", 10.0)
        self.publish_timeout = told.seconds("PUBLISH_TIMEOUT", 5.0)
        self.drain = told.seconds("DRAIN", 2.0)
        self.retries = told.number("RETRIES", 0)
        self.restart_count = told.number("RESTART_COUNT", None)
        self.stop_if_ended = told.switch("STOP_IF_ENDED", True)
        self.capture = told.switch("CAPTURE", None)
        self.is_indexed = b"JOB_COMPLETION_INDEX" in raw
        self.place = told.place()
        self.secrets = told.secrets(self.address)
        if not self.is_reporting:
            missing = "URL" if self.dispatch else "DISPATCH_ID"
            told.complaints.append(f"nothing is reported: {PREFIX}{missing} is not set")
        self.complaints = (*told.complaints, *told.strangers())
        self.command = {name: value for name, value in raw.items() if not _is_ours(name)}

    @property
    def is_reporting(self) -> bool:
        """Whether there is a dispatch to report on and a bus to report to."""
        return bool(self.dispatch) and self.address is not None


def find_environment() -> dict[bytes, bytes]:
    """Return the environment this process was started with.

    Not `posix.environ`: in a C locale the interpreter has added an LC_CTYPE of its own (PEP 538), which the command
    must not get.
    """
    try:
        with open("/proc/self/environ", "rb") as file:
            pairs = file.read().split(b"\0")
    except OSError:
        return dict(posix.environ)
    return {name: value for name, separator, value in (pair.partition(b"=") for pair in pairs) if separator}


def _is_ours(name: bytes) -> bool:
    return name.startswith(PREFIX.encode()) and not _is_service(_text(name))


def _is_service(name: str) -> bool:
    """Whether Kubernetes made the variable, for a Service whose name begins with `eightbells`."""
    return "_SERVICE_HOST" in name or "_SERVICE_PORT" in name or name.endswith("_PORT") or "_PORT_" in name


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


class _Variables:
    """Reads one variable at a time and collects what is wrong with them."""

    def __init__(self, raw: dict[bytes, bytes]) -> None:
        self._raw = raw
        self.complaints: list[str] = []

    def text(self, name: str) -> str:
        """What the variable says, as text that can be shown: an event holds no broken characters."""
        return self._raw.get(f"{PREFIX}{name}".encode(), b"").decode("utf-8", "backslashreplace").strip()

    def exact(self, name: str) -> str:
        return _text(self._raw.get(name.encode(), b"")).strip()

    def complain(self, name: str, problem: str) -> None:
        self.complaints.append(f"{name} is ignored: {problem}")

    def named(self, name: str, default: str, check: Callable[[str], str]) -> str:
        try:
            return check(self.text(name) or default)
        except ValueError as problem:
            self.complain(PREFIX + name, str(problem))
            return default

    def dispatch(self) -> str:
        for name in (PREFIX + "DISPATCH_ID", "EVAL_ID"):
            if value := self.exact(name):
                try:
                    return keys.check_dispatch(value)
                except keys.BadName as problem:
                    self.complain(name, str(problem))
        return ""

    def address(self, *, is_needed: bool) -> Address | None:
        for name in (PREFIX + "URL", "REDIS_URL") if is_needed else ():
            if value := self.exact(name):
                try:
                    return parse_address(value)
                except ValueError as problem:
                    self.complain(name, str(problem))
        return None

    def seconds(self, name: str, default: float) -> float:
        text = self.text(name)
        digits = text.rstrip("mshd")
        try:
            value = float(digits) * UNITS[text[len(digits) :]] if text else default
            if 0 <= value < 1e9:
                return value
        except (ValueError, KeyError):
            pass
        self.complain(PREFIX + name, f"{text!r} is not a duration such as 30s, 5m or 500ms")
        return default

    def number(self, name: str, default: Default) -> int | Default:
        text = self.text(name)
        if not text or (text.isascii() and text.isdigit()):
            return int(text) if text else default
        self.complain(PREFIX + name, f"{text!r} is not a whole number")
        return default

    def switch(self, name: str, default: Default) -> bool | Default:
        text = self.text(name).lower()
        if text in ("1", "on", "true", "yes"):
            return True
        if text in ("0", "off", "false", "no"):
            return False
        if text:
            self.complain(PREFIX + name, f"{text!r} is neither on (1) nor off (0)")
        return default

    def place(self) -> dict[str, str | None]:
        place = {field: self.text(name)[:PLACE_LENGTH] or None for field, name in PLACE.items()}
        place["node"] = place["node"] or posix.uname().nodename
        try:
            keys.check_cluster(place["cluster"] or "")
        except keys.BadName as problem:
            self.complain(PREFIX + "CLUSTER", str(problem))
            place["cluster"] = None
        return place

    def secrets(self, address: Address | None) -> tuple[bytes, ...]:
        """What must not appear in captured output: the password, as it is and as the URL spells it."""
        if address is None or not address.password:
            return ()
        login = (self.exact(PREFIX + "URL") or self.exact("REDIS_URL")).partition("://")[2].rpartition("@")[0]
        spelled = {address.password, login.partition(":")[2]}
        return tuple(secret.encode("utf-8", "surrogateescape") for secret in spelled if len(secret) >= SHORTEST_SECRET)

    def strangers(self) -> list[str]:
        ours = (_text(name) for name in self._raw if _is_ours(name))
        unknown = sorted(name for name in ours if name.removeprefix(PREFIX) not in VARIABLES)
        return [f"{name} is ignored: there is no such variable; the documentation lists them" for name in unknown]
