"""A program of a machine: started and stopped by whoever has the cluster at hand, not only by who started it first."""

import signal
from collections.abc import Callable
from pathlib import Path

from tests.cluster.machine import Machine
from tests.cluster.processes import Process
from tests.waiting import wait_until

SECONDS_TO_START = 90
"""A cold page cache on a busy machine with two cores; on a quiet one each takes less than four."""


class Program:
    """It is known by its first word, which nothing else in its machine may have."""

    def __init__(self, machine: Machine, words: list[str], is_ready: Callable[[], bool]) -> None:
        self.name = Path(words[0]).name
        self._machine = machine
        self._words = words
        self._is_ready = is_ready

    def is_running(self) -> bool:
        return self._find() is not None

    def launch(self) -> None:
        """Start it, unless it runs; `wait` waits until it is of use."""
        if not self.is_running():
            self._machine.start(self.name, *self._words)
            wait_until(self._find, f"{self.name} begins; its log: {self._machine.log(self.name)}", pause=0.02)

    def wait(self) -> None:
        """Return when it does what it is for. Raises with the end of its log when it does not."""
        process = self._find()

        def is_of_use() -> bool:
            assert process, f"{self.name} does not run: {self._machine.tail(self.name)}"
            assert process.is_alive(), f"{self.name} has ended: {self._machine.tail(self.name)}"
            return self._is_ready()

        wait_until(is_of_use, f"{self.name} is ready", within=SECONDS_TO_START, pause=0.1)

    def start(self) -> None:
        self.launch()
        self.wait()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it do nothing at all, and hold on to what it has."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def restart(self) -> None:
        """Stop it, start it, and return when it is ready again."""
        self.stop()
        self.start()

    def _end(self, number: signal.Signals) -> None:
        if process := self._find():
            process.end(number)

    def _send(self, number: signal.Signals) -> None:
        process = self._find()
        assert process, f"{self.name} does not run"
        process.send(number)

    def _find(self) -> Process | None:
        return self._machine.find(self._words[0])
