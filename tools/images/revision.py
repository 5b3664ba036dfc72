"""Which state of the repository an image is made of: in its tag and its labels."""

import os
import subprocess
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime

from tools.runtime.__main__ import ROOT

COMMIT_LENGTH = 12


@dataclass(frozen=True)
class Revision:
    """A version, the commit, and when that was made, in seconds since 1970. Without git the commit is empty."""

    version: str
    commit: str
    time: int

    @property
    def tag(self) -> str:
        """What images are tagged with. `+` would not be allowed in it."""
        return "-".join(filter(None, (self.version, self.commit)))

    @property
    def created(self) -> str:
        """The time as labels have it."""
        return datetime.fromtimestamp(self.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def find_revision() -> Revision:
    """What is checked out here; the commit ends in `-dirty` where something differs from it.

    SOURCE_DATE_EPOCH, where it is set, is the time.
    """
    version = tomllib.loads((ROOT / "wrapper/pyproject.toml").read_text())["project"]["version"]
    commit = ask_git("describe", "--always", "--exclude=*", "--dirty", f"--abbrev={COMMIT_LENGTH}")
    time = os.environ.get("SOURCE_DATE_EPOCH") or ask_git("log", "-1", "--format=%ct")
    return Revision(version, commit, int(time or 0))


def ask_git(*words: str) -> str:
    """What git says of this repository; nothing where it is none."""
    try:
        done = subprocess.run(("git", "-C", str(ROOT), *words), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
