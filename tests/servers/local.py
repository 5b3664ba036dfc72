"""A server as a process of ours, in a directory of its own, on loopback."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from random import SystemRandom

import redis

from tests.servers.server import TIMES, Server
from tests.waiting import wait_until

SECONDS_TO_END = 10

# Every command is written before it is answered, so a kill loses nothing. With `everysec` it is not: while a sync is
# under way, the server answers first and writes up to two seconds later.
DURABLE = ("--save", "", "--appendonly", "yes", "--appendfsync", "no")

# Below the range from which the kernel takes ports for outgoing connections, so that none of those gets there first.
PORTS = range(20000, 32000)


class Local(Server):
    """One process. It dies with the worker, even when that is killed (setpriv, where there is one)."""

    def __init__(self, kind: str, program: Path, *options: str) -> None:
        self.port = free_port()
        super().__init__(kind, f"redis://127.0.0.1:{self.port}/0")
        self.directory = Path(tempfile.mkdtemp(prefix="eightbells-test-"))
        self._command = [
            *dying_with_us(),
            *(str(program), "--bind", "127.0.0.1", "--port", str(self.port), "--daemonize", "no"),
            *(*DURABLE, "--maxmemory-policy", "noeviction", *options),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server has not been started"
        return self._process.pid

    def start(self) -> None:
        self.launch()
        wait_until(self._answers, f"{self.kind} answers on port {self.port}")

    def launch(self) -> None:
        """Returns at once; it may have to load its data first."""
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "LC_ALL": "C"},
            )

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def remove(self) -> None:
        self.close_clients()
        self.kill()
        shutil.rmtree(self.directory)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(SECONDS_TO_END)

    def _answers(self) -> bool:
        assert self.is_running(), f"{self.kind} has ended: {(self.directory / 'server.log').read_text()[-2000:]}"
        with closing(redis.Redis(port=self.port, **TIMES)) as probe, suppress(redis.ConnectionError):
            # While it loads its data it answers INFO alone; and somebody else's server on this port would answer, too.
            return bool(probe.ping()) and int(probe.info("server")["process_id"]) == self.pid
        return False


def free_port() -> int:
    for port in SystemRandom().sample(PORTS, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no free port among a hundred of {PORTS}")


def dying_with_us() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
