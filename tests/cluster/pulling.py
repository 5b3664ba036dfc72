"""Clients that pull images: containerd, which is what a kubelet asks, and docker. Both are the real ones.

Nothing that they have pulled outlives the test.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.servers.engine import HOST, knock
from tests.waiting import wait_until

LIMIT = 25
"""Seconds for a pull, which nothing here takes."""
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
"""Where Debian puts what only root uses."""
SETTINGS = """version = 2
root = "{home}/root"
state = "{home}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{home}/sock"
[plugins."io.containerd.internal.v1.opt"]
path = "{home}/opt"
"""


class Pulled(NamedTuple):
    """How a pull ended."""

    is_done: bool
    said: str


class Client(Protocol):
    """Pulls images from a registry that speaks plain HTTP."""

    def pull(self, reference: str) -> Pulled:
        """Pull and unpack."""

    def close(self) -> None:
        """Remove what was pulled."""


class Containerd:
    """A containerd of our own, without the part that a kubelet talks to."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="eightbells-pull.", dir="/tmp"))  # a socket's name must be short
        settings = self._home / "config.toml"
        settings.write_text(SETTINGS.format(home=self._home))
        # It ends with us even when we are killed.
        words = ["setpriv", "--pdeathsig", "KILL", "containerd", "--config", str(settings)]
        with (self._home / "log").open("wb") as log:
            self._process = subprocess.Popen(words, stderr=log, env={**os.environ, "PATH": PATH})
        wait_until(lambda: self._ctr("version").returncode == 0, "containerd answers")

    @staticmethod
    def reason_against() -> str | None:
        """Why there can be none here, in a line, or None."""
        missing = [name for name in ("containerd", "ctr") if not shutil.which(name, path=PATH)]
        if missing:
            return f"there is no {missing[0]}: install Debian's containerd"
        return None if os.geteuid() == 0 else "containerd needs root"

    def pull(self, reference: str) -> Pulled:
        """Pull and unpack."""
        done = self._ctr("images", "pull", "--plain-http", "--snapshotter", "native", reference)
        return Pulled(done.returncode == 0, done.stderr)

    def close(self) -> None:
        """End it, and remove what it has pulled."""
        self._process.terminate()
        self._process.wait(LIMIT)
        shutil.rmtree(self._home)

    def _ctr(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._words(*words), capture_output=True, text=True, check=False, timeout=LIMIT)

    def _words(self, *words: str) -> list[str]:
        return ["ctr", "--address", str(self._home / "sock"), "--namespace", "tests", *words]


class Docker:
    """The Docker engine that there is."""

    def __init__(self) -> None:
        self._pulled: list[str] = []

    @staticmethod
    def reason_against() -> str | None:
        """Why none can be asked, in a line, or None."""
        try:
            knock()
        except OSError as error:
            return f"no Docker engine answers at {HOST} ({error.strerror or error})"
        return None

    def pull(self, reference: str) -> Pulled:
        """Pull and unpack."""
        words = ["docker", "pull", "--quiet", reference]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT)
        if done.returncode == 0:
            self._pulled.append(reference)
        return Pulled(done.returncode == 0, done.stderr)

    def close(self) -> None:
        """Remove what it has pulled."""
        if self._pulled:
            subprocess.run(("docker", "image", "rm", "--force", *self._pulled), check=True, capture_output=True)
