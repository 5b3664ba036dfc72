"""Processes of the cluster: each is known by its id and by when it started, so that a reused id is never killed."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PROC = Path("/proc")
GONE = (FileNotFoundError, ProcessLookupError)
SECONDS_TO_END = 30


@dataclass(frozen=True, slots=True)
class Process:
    """`started` is in ticks of the clock since the machine booted."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has this id now, if any is alive; a zombie is not."""
        try:
            fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except GONE:
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @classmethod
    def ours(cls) -> Self:
        process = cls.of(os.getpid())
        assert process is not None
        return process

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `str` of a process says."""
        pid, started = text.split()
        return cls(int(pid), int(started))

    def __str__(self) -> str:
        return f"{self.pid} {self.started}"

    @property
    def path(self) -> Path:
        return PROC / str(self.pid)

    def is_alive(self) -> bool:
        return Process.of(self.pid) == self

    def words(self) -> list[str]:
        """Its command line; empty when it has ended."""
        with suppress(*GONE):
            return (self.path / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
        return []

    def environment(self) -> list[str]:
        """What it was started with; empty when it has ended."""
        with suppress(*GONE, PermissionError):
            return (self.path / "environ").read_bytes().decode(errors="replace").split("\0")
        return []

    def namespace(self, kind: str) -> str:
        """The name of its namespace of a kind (`pid`, `mnt`, `net`); empty when it has ended."""
        with suppress(*GONE, PermissionError):
            return str((self.path / "ns" / kind).readlink())
        return ""

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still the process that was meant."""
        with self._descriptor() as descriptor:
            if descriptor is not None:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, number)

    def end(self, number: signal.Signals, seconds: float = SECONDS_TO_END) -> None:
        """Send it a signal, and wait for its end; what has not ended by then is killed."""
        with self._descriptor() as descriptor:
            if descriptor is None:
                return
            for each, patience in ((number, seconds), (signal.SIGKILL, SECONDS_TO_END)):
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, each)
                if select.select([descriptor], [], [], patience)[0]:
                    return
        raise TimeoutError(f"process {self.pid} ({' '.join(self.words())[:100]}) does not end, though it was killed")

    @contextmanager
    def _descriptor(self) -> Iterator[int | None]:
        """A handle that no other process can ever have."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            yield descriptor if self.is_alive() else None
        finally:
            os.close(descriptor)


def list_processes() -> Iterator[Process]:
    """Everything that is alive on this machine, in whatever namespace."""
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and (process := Process.of(int(entry.name))):
            yield process
