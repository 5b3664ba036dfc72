"""The wrapper as a real process: started as the runtime starts it, seen by its exit code, its output and its events.

Nothing that a test starts outlives it: each wrapper leads a session of its own, and the session is killed at the end.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from eightbells.events import document
from eightbells.events.contract import keys
from eightbells.events.schema import ENDINGS, Data, Event
from eightbells.wrapper.console import find_paths

from tests.servers.server import Server
from tests.waiting import wait_until

START = "import sys; sys.path += {paths!r}; from eightbells.wrapper.main import main; main()"
"""What the interpreter executes where a launcher has started it."""

WRAPPER = [sys.executable, "-X", "utf8", "-ISBc", START.format(paths=find_paths()), "--"]
CONSOLE = [str(Path(sys.executable).with_name("eightbells-wrapper")), "--"]
PYTHON = [sys.executable, "-ISBc"]
AS_SUBREAPER = (
    *PYTHON,
    f"import posix, sys; sys.path += {find_paths()!r}; from eightbells.wrapper.prctl import become_subreaper\n"
    "become_subreaper(); posix.execv(sys.argv[1], sys.argv[1:])",
)
"""Starts what follows as the one who inherits orphans, as the launcher and the console script do."""

NAMESPACE = "default"
LIMIT = 25
"""Seconds that a run may take; the suite's own limit would not name the command."""


for number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:  # for a job in the background of a script, and for what it starts
        signal.signal(number, signal.SIG_DFL)


class Ran(NamedTuple):
    """How a wrapper ended and what it passed on."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Wrapped(subprocess.Popen[bytes]):
    """A wrapper that runs."""

    def finish(self, given: bytes | None = None) -> Ran:
        """Wait for its end, with this on its stdin."""
        stdout, stderr = self.communicate(given, timeout=LIMIT)
        return Ran(self.returncode, stdout, stderr)

    @property
    def command(self) -> int:
        """The process id of its command, once it has one."""
        return wait_until(lambda: children(self.pid), "the wrapper has started its command")[0]

    def hears(self, line: bytes) -> None:
        """Wait until the command has written this line to its stdout."""
        assert self.stdout is not None
        assert self.stdout.readline() == line


class Wrapping:
    """Starts wrappers in one environment, which is all they get beside PATH."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self._started: list[Wrapped] = []

    def start(self, *command: str | bytes, **more: Any) -> Wrapped:
        """Start a wrapper of the command; `prefix` comes before `program`, `env` is added, the rest is for Popen."""
        environment = {"PATH": os.environ["PATH"], **self.environment, **more.pop("env", {})}
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        words = [*more.pop("prefix", ()), *more.pop("program", WRAPPER), *command]
        process = Wrapped(words, env=environment, start_new_session=True, **{**pipes, **more})
        self._started.append(process)
        return process

    def run(self, *command: str | bytes, given: bytes | None = None, **more: Any) -> Ran:
        """Run a wrapper of the command to its end, with this on its stdin."""
        return self.start(*command, **({} if given is None else {"stdin": subprocess.PIPE}), **more).finish(given)

    def close(self) -> None:
        """Kill what is left of every session."""
        for process in self._started:
            for pid in session(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.communicate()


class Dispatch(Wrapping):
    """Starts wrappers that report on one dispatch, and reads what they said."""

    def __init__(self, server: Server, name: str) -> None:
        super().__init__({"EIGHTBELLS_DISPATCH_ID": name, "EIGHTBELLS_URL": server.url})
        self.name = name
        self._client: Any = server.client()  # its replies are bytes, which the stubs do not know

    @property
    def events(self) -> list[Event]:
        """Every event on the log, in order."""
        entries = self._client.xrange(keys.log(NAMESPACE))
        return [document.decode(fields[b"d"]) for _, fields in entries if fields[b"k"].decode() == self.name]

    @property
    def states(self) -> list[str]:
        return [event.data.state for event in self.events]

    @property
    def record(self) -> dict[str, str]:
        """The record as the bus keeps it."""
        found = self._client.hgetall(keys.record(NAMESPACE, self.name))
        return {name.decode(): value.decode() for name, value in found.items()}

    @property
    def ending(self) -> Data:
        """What the one ending says."""
        (ending,) = [event.data for event in self.events if event.data.state in ENDINGS]
        return ending

    def end(self, *command: str | bytes, **more: Any) -> Data:
        """Run the command to its end and return what the ending says."""
        self.run(*command, **more)
        return self.ending

    def wait_for(self, state: str) -> Data:
        """Wait until an event of this state is on the log."""
        return wait_until(lambda: [event.data for event in self.events if event.data.state == state], state)[0]


def children(pid: int) -> list[int]:
    """The processes whose parent this one is, dead ones that nobody has asked about included."""
    return [number for number, fields in processes() if int(fields[1]) == pid]


def session(leader: int) -> list[int]:
    """The processes of the session."""
    return [number for number, fields in processes() if int(fields[3]) == leader]


def processes() -> list[tuple[int, list[str]]]:
    """Each process with what proc(5)'s stat says after its name: state, parent, group, session, …"""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit():
                found.append((int(entry.name), (entry / "stat").read_text().rpartition(")")[2].split()))
    return found
