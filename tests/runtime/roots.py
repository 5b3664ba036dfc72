"""Root file systems like those of other people's images, and how to enter one.

`debian` has a C library, a shell and programs; `busybox` one static program under many names; `nothing` has that
program and not even a directory more than a container gets.
"""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from tools.runtime.__main__ import CACHE
from tools.runtime.packages import Packages, unpack
from tools.runtime.target import TARGETS

LAUNCHER = "/eightbells/bin/eightbells-wrapper"
ENTER = Path(__file__).with_name("enter.py")
KINDS = {
    "debian": ("coreutils", "dash", "libacl1", "libattr1", "libc6", "libgmp10", "libpcre2-8-0", "libselinux1"),
    "busybox": (),
    "nothing": (),
}
BUSYBOX = "busybox-static"
LOCAL = next((target for target in TARGETS.values() if target.is_local), None)
Mount = tuple[Sequence[str], str]


class Root:
    """One root file system, and the runtime that is mounted in it at /eightbells."""

    def __init__(self, path: Path, runtime: Path) -> None:
        self.path = path
        self.runtime = runtime
        self._entries: list[Path] = []

    @property
    def shell(self) -> tuple[str, ...]:
        """The words that run a script: the image's own shell, or the one in its one program."""
        return ("/bin/sh", "-c") if os.path.lexists(self.path / "bin/sh") else ("/busybox", "sh", "-c")

    def write(self, name: str, content: str | bytes) -> None:
        """Put a file into the root."""
        path = self.path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def entry(
        self,
        *words: str,
        environment: Iterable[str] = (),
        user: int | None = None,
        is_read_only: bool = False,
        mounts: Iterable[Mount] = (),
        blocked: Iterable[int] = (),
        ignored: Iterable[int] = (),
    ) -> list[str]:
        """The words that start a program in here as PID 1; without any it is the wrapper, and its command follows.

        `user` has no capability at all; `mounts` are mount(8)'s options and the place, seen from inside.
        """
        settings = {
            "root": str(self.path),
            "runtime": str(self.runtime),
            "words": [*(words or (LAUNCHER, "--"))],
            "environment": [*environment],
            "user": user,
            "is_read_only": is_read_only,
            "mounts": [*mounts],
            "blocked": [*blocked],
            "ignored": [*ignored],
        }
        file = self.path.with_name(f"{self.path.name}-{len(self._entries)}.json")
        file.write_text(json.dumps(settings))  # an environment may be longer than an argument can be
        self._entries.append(file)
        return ["unshare", "--mount", "--pid", "--fork", sys.executable, "-S", str(ENTER), str(file)]


def fetch_archives() -> list[Path]:
    """Return the packages that roots are made of. Raises `Unbuildable` where they cannot be had."""
    assert LOCAL is not None
    with (CACHE / "lock").open("w") as lock:  # the other workers of the suite fetch them too
        fcntl.flock(lock, fcntl.LOCK_EX)
        return Packages(LOCAL, CACHE).fetch((BUSYBOX, *chain.from_iterable(KINDS.values())))


def make_root(kind: str, path: Path, archives: list[Path]) -> None:
    """Fill a directory: unpacked packages, nothing installed, and nothing that a container's runtime would add."""
    named = {archive.name.partition("_")[0]: archive for archive in archives}
    parts = path.with_name(f"{path.name}.parts")
    unpack([named[BUSYBOX]], parts)
    unpack([named[name] for name in KINDS[kind]], path)
    shutil.copy(parts / "bin/busybox", path / "busybox")
    if kind == "busybox":
        (path / "bin").mkdir()
        for name in ("sh", "cat", "sleep", "env"):
            (path / "bin" / name).symlink_to("/busybox")
    if kind == "debian":
        (path / "bin/sh").unlink(missing_ok=True)
        (path / "bin/sh").symlink_to("dash")
    for place in ("proc", "eightbells"):
        (path / place).mkdir(exist_ok=True)


def copy_root(made: Path, path: Path) -> None:
    """Make a root of its own of one that is shared; files are links and must not be written to, only added."""
    shutil.copytree(made, path, symlinks=True, copy_function=os.link)
