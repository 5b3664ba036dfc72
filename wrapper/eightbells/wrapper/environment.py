"""What the wrapper is told: the variables of its environment, read once into one value that nobody changes.

Whatever is wrong with ours is a line on stderr, the default holds, and the command runs. The command gets the
environment as it was found, without our variables. What concerns reporting alone is read later, by `target`.
"""

from __future__ import annotations

import posix

from eightbells.wrapper.launch import find_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Default = TypeVar("Default", int, bool, None)

PREFIX = "EIGHTBELLS_"

VARIABLES = frozenset(
    {
        "CAPTURE",
        "CLUSTER",
        "CONTAINER",
        "DISPATCH_ID",
        "DRAIN",
        "DUMPABLE",
        "GRACE",
        "HEARTBEAT",
        "IMAGE",
        "JOB",
        "JOB_UID",
        "NAMESPACE",
        "NODE",
        "POD",
        "POD_NAMESPACE",
        "POD_UID",
        "PUBLISH_TIMEOUT",
        "RESERVE",
        "RESTART_COUNT",
        "RESULT",
        "RESULT_REQUIRED",
        "RETRIES",
        "SECURITY",
        "SINK_SYNC",
        "STOP_IF_ENDED",
        "STREAM",
        "TERMINATION_LOG",
        "TIMEOUT",
        "TLS_CA",
        "TLS_CERT",
        "TLS_KEY",
        "TRACEPARENT",
        "TRACESTATE",
        "URL",
        "URL_FILE",
    }
)
"""Every variable of ours, without the prefix."""

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}


class Environment:
    """What was told. Times are seconds; `timeout` is 0 where there is none, `capture` None where nobody decided."""

    def __init__(
        self, raw: dict[bytes, bytes], say: Callable[[str], None], warn: Callable[[str], None] | None = None
    ) -> None:
        told = self.variables = Variables(raw, say, warn)
        missing = [names[0] for names in (DISPATCH, URL) if not any(map(told.exact, names))]
        told.take_file()
        self.timeout = told.seconds("TIMEOUT", 0.0)
        self.grace = told.seconds("GRACE", 30.0)
        self.reserve = told.seconds("RESERVE", 2.0)
        self.drain = told.seconds("DRAIN", 2.0)
        self.publish_timeout = told.seconds("PUBLISH_TIMEOUT", 5.0)
        self.is_dumpable = told.switch("DUMPABLE", False)
        self.capture = told.switch("CAPTURE", None)
        self.is_streamed = told.switch("STREAM", False)
        self.is_reporting = not missing
        told.complain_of_strangers()
        if missing:
            say(f"nothing is reported: {missing[0]} is not set")
        self.command = {name: value for name, value in raw.items() if not _is_ours(name)}
        if result := raw.get(RESULT.encode()):
            self.command |= hand_on_result(result)


FILE, FILE_BYTES = f"{PREFIX}URL_FILE", 64 * 1024
"""Names the file that holds the address, where EIGHTBELLS_URL does not; and more than an address is long."""

DISPATCH = (f"{PREFIX}DISPATCH_ID", "EVAL_ID")
URL = (f"{PREFIX}URL", FILE, "REDIS_URL")
"""The two without which nothing is reported, and their older names."""

RESULT = f"{PREFIX}RESULT"
"""Names the file for the command's result, and is the one variable that the command gets."""


def find_environment() -> dict[bytes, bytes]:
    """Return the environment this process was started with; of a name that is there twice the first, as getenv(3)."""
    found: dict[bytes, bytes] = {}
    for entry in find_entries():
        end = entry.find(b"=", 1)  # execve takes any string, and a name may begin with one
        if end > 0:
            found.setdefault(entry[:end], entry[end + 1 :])
    return found


def hand_on_result(path: bytes) -> dict[bytes, bytes]:
    """Return what tells the command where its result goes; nothing where it could not write there."""
    try:
        posix.unlink(path)  # an earlier run of the same pod left it
    except OSError:
        pass
    place = path if posix.access(path, posix.F_OK) else path.rpartition(b"/")[0] or (b"/" if b"/" in path else b".")
    return {RESULT.encode(): path} if posix.access(place, posix.W_OK) else {}


def _is_ours(name: bytes) -> bool:
    return name.startswith(PREFIX.encode()) and not _is_service(_text(name))


def _is_service(name: str) -> bool:
    """Whether Kubernetes made the variable, for a Service whose name begins with `eightbells`."""
    return "_SERVICE_HOST" in name or "_SERVICE_PORT" in name or name.endswith("_PORT") or "_PORT_" in name


def _read(path: str) -> bytes:
    file = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
    try:
        return posix.read(file, FILE_BYTES).strip()
    finally:
        posix.close(file)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


class Variables:
    """Reads one variable at a time and says what is wrong with it; `warn` is told what is right and yet a risk."""

    def __init__(
        self, raw: dict[bytes, bytes], say: Callable[[str], None], warn: Callable[[str], None] | None = None
    ) -> None:
        self._raw = raw
        self._say = say
        self._warn = warn or say

    def take_file(self) -> None:
        """Put the address that a file holds in the place of the file's path; '' where it is of no use."""
        path = self.exact(FILE)
        if not path:
            return
        url, problem = b"", ""
        if self.exact(URL[0]):
            problem = f"{URL[0]} is set"
        else:
            try:
                url = _read(path)
                problem = "" if url else f"{path} is empty"
            except OSError as refused:
                problem = f"{path}: {refused.strerror}"
        self._raw = {**self._raw, FILE.encode(): url}
        if problem:
            self.complain(FILE, problem)
        else:
            self.warn_of_file(FILE, path, f"{URL[0]} is kept from it")

    def warn_of_file(self, name: str, path: str, remedy: str) -> None:
        """Say that the command, which has our user, can read the secret in this file, where it can."""
        if posix.access(path, posix.R_OK):
            self._warn(f"the command can read {path} ({name}) while it has our user; {remedy}")

    def text(self, name: str) -> str:
        """What the variable says, as text that can be shown: an event holds no broken characters."""
        return self._raw.get(f"{PREFIX}{name}".encode(), b"").decode("utf-8", "backslashreplace").strip()

    def exact(self, name: str) -> str:
        """What the variable of this full name says, be it text or not."""
        return _text(self._raw.get(name.encode(), b"")).strip()

    def complain(self, name: str, problem: str) -> None:
        self._say(f"{name} is ignored: {problem}")

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

    def complain_of_strangers(self) -> None:
        """Say which variables look like ours and are not."""
        for name in sorted(_text(raw) for raw in self._raw if _is_ours(raw)):
            if name.removeprefix(PREFIX) not in VARIABLES:
                self.complain(name, "there is no such variable; the documentation lists them")
