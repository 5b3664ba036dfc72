"""`--version` and `--check`: for people who build images; nothing else of the wrapper loads this.

Each step towards a report is taken, up to the first that fails, and gets a line: a tick with what was found, or a
cross with the remedy. What is written is a heartbeat that expires, of a dispatch that there is not.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # as in `signals`
import _socket
import posix
import sys
import time

from eightbells.wrapper import __version__
from eightbells.wrapper.bus import Bus
from eightbells.wrapper.connection import Unreachable, describe
from eightbells.wrapper.environment import DISPATCH, Environment
from eightbells.wrapper.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eightbells.wrapper.address import Address

    Step = tuple[str, Callable[[], str], str]

TICK, DOUBT, CROSS = "\u221a", "\u203c", "\u00d7"
NOBODY = b"eightbells-check"


class Failed(Exception):
    """A step cannot be taken: says why."""


def answer(question: str, raw: dict[bytes, bytes]) -> int:
    """Write what was asked for to stdout; return the exit code, 1 where something fails."""
    if question == "--version":
        write(f"eightbells-wrapper {__version__} (Python {sys.version.partition(' ')[0]})")
        return 0
    end_on_signals()
    for name, take, remedy in steps(raw):
        try:
            write(f"{TICK} {name}: {take()}")
        except (Failed, Unreachable, OSError) as problem:
            said = describe(problem) if isinstance(problem, OSError) else str(problem)
            write(f"{CROSS} {name}: {said} ({remedy})")
            return 1
    return 0


def end_on_signals() -> None:
    """Let Ctrl-C end us: the launcher has blocked it, and a container's first process ignores what has no handler."""
    numbers = (_signal.SIGINT, _signal.SIGTERM)
    for number in numbers:
        _signal.signal(number, lambda number, _: posix._exit(128 + number))  # noqa: SLF001 - its name
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, numbers)


def steps(raw: dict[bytes, bytes]) -> Iterator[Step]:
    """Yield each step: its name, what takes it, and what to do where it fails."""
    complaints: list[str] = []
    doubts: list[str] = []
    # an image has no dispatch yet; a Job gives it one
    raw = raw if any(name.encode() in raw for name in DISPATCH) else {**raw, DISPATCH[0].encode(): NOBODY}
    environment = Environment(raw, complaints.append, doubts.append)
    yield "environment", lambda: check_environment(environment, complaints, doubts), "docs/wrapper.md lists them all"
    target = Target(environment.variables)
    address = target.address
    assert address is not None  # noqa: S101 - the step before has failed otherwise
    patience = environment.publish_timeout
    bus = Bus(target, address, patience)
    if address.host:
        yield "resolve", lambda: resolve(address.host, address.port), "correct the host, or the container's DNS"
    remedy = "start the server, correct the port, or open the network policy; with rediss:// see EIGHTBELLS_TLS_CA"
    yield "connect", lambda: connect(bus, address, patience), remedy
    remedy = "correct user and password in the URL, percent-encoded"
    yield "authenticate", lambda: log_in(bus, address.user, patience), remedy
    remedy = "take Redis 7.0 or Valkey 7.2 or later, and let the user run scripts on the keys of docs/protocol.md"
    yield "script", lambda: run_script(bus, target.namespace), remedy
    yield "write", lambda: f"a heartbeat is {bus.beat('check').word}", "let the server write: not a replica, not full"


def check_environment(environment: Environment, complaints: list[str], doubts: list[str]) -> str:
    """Return what will be reported, and where to; show what is a risk and no fault. Raises `Failed`."""
    try:
        target = Target(environment.variables)
    except ValueError as problem:
        raise Failed("; ".join([*complaints, str(problem)])) from None
    if complaints or target.problem:
        raise Failed("; ".join(filter(None, [*complaints, target.problem if environment.is_reporting else ""])))
    write(*(f"{DOUBT} environment: {doubt}" for doubt in doubts))
    return f"dispatch {target.dispatch}, namespace {target.namespace}, bus {target.address}"


def resolve(host: str, port: int) -> str:
    """Return the addresses of the host. Raises OSError."""
    found = _socket.getaddrinfo(host.encode(), port, 0, _socket.SOCK_STREAM)
    return f"{host} is {', '.join(str(where[0]) for *_, where in found)}"


def connect(bus: Bus, address: Address, patience: float) -> str:
    """Return what we are connected to. Raises OSError, `Unreachable`."""
    bus.connection.reach(time.monotonic() + patience)
    return f"{address}{' over TLS' if address.is_tls else ''}"


def run_script(bus: Bus, namespace: str) -> str:
    """Return where a script can be run. Raises `Unreachable`."""
    bus.probe()
    return f"publish runs in namespace {namespace}"


def log_in(bus: Bus, user: str, patience: float) -> str:
    """Return who we are to the server. Raises OSError, `Failed`, `Unreachable`."""
    bus.connection.log_in(time.monotonic() + patience)
    reply = bus.connection.call("PING")
    if isinstance(reply, Exception):
        raise Failed(str(reply))
    return f"as {user or 'default'}"


def write(*lines: str) -> None:
    """Write the lines to stdout, whatever the locale."""
    for line in lines:
        posix.write(1, f"{line}\n".encode("utf-8", "backslashreplace"))
