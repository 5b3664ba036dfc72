"""Debian's packages, by apt and for any architecture: looked up, fetched and checked as this machine's own would be.

Nothing of the machine is touched: indexes and packages are kept in a cache of our own, and root is not needed.
"""

import shutil
import subprocess
from pathlib import Path

from tools.runtime.target import Target, Unbuildable

RELEASE, CODENAME = "Debian 12", "bookworm"


class Packages:
    """The packages of one architecture."""

    def __init__(self, target: Target, cache: Path) -> None:
        self._home = cache / target.debian
        self._archives = self._home / "archives"
        self._target = target
        for folder in (self._home / "lists/partial", self._home / "cache/archives/partial", self._archives):
            folder.mkdir(parents=True, exist_ok=True)

    def update(self) -> None:
        """Fetch the indexes; where that cannot be done, those of the last time stand."""
        self._apt(self._home, "update")

    def fetch(self, names: tuple[str, ...]) -> list[Path]:
        """Return the packages' files, the newest version of each. Raises `Unbuildable`."""
        # asked in another folder: what is here already would not be listed
        failed, listing = self._apt(self._home, "download", "--print-uris", *names)
        failed = failed or self._apt(self._archives, "download", *names)[0]
        if failed:
            raise Unbuildable(
                f"apt cannot get {RELEASE}'s packages for {self._target.debian}: do the sources in /etc/apt name "
                f"{CODENAME} main, and is their mirror reachable? ({' '.join(failed.split())[:400]})"
            )
        files = (line.split()[1] for line in listing.splitlines() if line.startswith("'"))
        return sorted(self._archives / file for file in files)

    def _apt(self, folder: Path, *words: str) -> tuple[str, str]:
        """Run apt-get in the folder; return why it failed, or '', and what it said."""
        settings = {
            "Dir::State": self._home,
            "Dir::State::lists": self._home / "lists",
            "Dir::State::status": "/dev/null",
            "Dir::Cache": self._home / "cache",
            "APT::Architecture": self._target.debian,
            "APT::Architectures": self._target.debian,
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Acquire::Retries": 3,
        }
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        done = subprocess.run(
            ["apt-get", "-q", *options, *words], cwd=folder, capture_output=True, text=True, check=False
        )
        return (done.stderr or done.stdout) if done.returncode else "", done.stdout


def unpack(archives: list[Path], root: Path) -> None:
    """Unpack into one new root; nothing is installed."""
    root.mkdir(parents=True)
    for archive in archives:
        subprocess.run(["dpkg-deb", "--extract", archive, root], check=True)


def check_machine() -> None:
    """Raises `Unbuildable` where Debian's packages of the right release cannot be had."""
    missing = [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]
    release = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    if missing or f"VERSION_CODENAME={CODENAME}" not in release.replace('"', ""):
        lacking = f"there is no {missing[0]}" if missing else f"this machine is not {RELEASE}"
        raise Unbuildable(
            f"{lacking}: the runtime is made of {RELEASE}'s packages; run `make runtime` on one, "
            f"or in a container of debian:{CODENAME} with ca-certificates, make, python3 and python3-pip"
        )
