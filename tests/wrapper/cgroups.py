"""Real cgroups of version 1, one for a test, made and removed by root."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.waiting import wait_until

ROOT = Path("/sys/fs/cgroup")


class Cgroup:
    """A cgroup of one controller; `enter` comes before a program, which then starts in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.enter = ("sh", "-c", f'echo $$ > {directory}/cgroup.procs && exec "$@"', "sh")

    @property
    def processes(self) -> list[int]:
        return [int(pid) for pid in (self.directory / "cgroup.procs").read_text().split()]

    def write(self, name: str, value: int | str) -> None:
        (self.directory / name).write_text(str(value))


@contextmanager
def make_cgroup(controller: str) -> Iterator[Cgroup]:
    """A new cgroup of this controller; what runs in it must have ended before it is left."""
    if reason := reason_against(controller):
        pytest.skip(reason)
    cgroup = Cgroup(ROOT / controller / f"eightbells-test-{uuid.uuid4().hex[:12]}")
    cgroup.directory.mkdir()
    yield cgroup
    wait_until(lambda: not cgroup.processes, "everybody has left the cgroup")
    cgroup.directory.rmdir()


def reason_against(controller: str) -> str | None:
    """Why there is no such cgroup to be had, in a line, or None."""
    if not (ROOT / controller / "cgroup.procs").exists():
        return f"no version 1 cgroup of {controller} is mounted at {ROOT / controller}"
    if not os.access(ROOT / controller, os.W_OK) or os.statvfs(ROOT / controller).f_flag & os.ST_RDONLY:
        return f"{ROOT / controller} cannot be written: run as root, where it is not mounted read-only"
    return None
