"""A machine: PID and mount namespaces of their own, in which the programs of a node or of the control plane run.

Killing its first process is a power cut: the kernel kills everything in it, shims and containers too, and takes its
mounts and network namespaces away. So nothing can be forgotten, whoever died meanwhile.
"""

import signal
import subprocess
from pathlib import Path
from typing import BinaryIO

from tests.cluster.processes import Process, list_processes
from tests.waiting import wait_until

MARK = "CLUSTER_OF_TESTS"
"""The variable that every process of a cluster has, and every process of a test run: the name of the cluster."""

DETACHED = ("setsid", "--fork")
"""Whose parent is the machine's first process, which takes note of its end; a child of ours would become a zombie."""

BOOT = Path(__file__).with_name("boot.sh")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Machine:
    """`directory` is what it keeps on disk: its logs, and `disk/`, from which a node's boot takes its own /var."""

    def __init__(self, cluster: str, directory: Path, *boot: str) -> None:
        self.directory = directory
        self._boot = boot
        self._environment = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", MARK: cluster}

    @property
    def init(self) -> Process | None:
        """Its first process, while it runs; its end is the end of all."""
        file = self.directory / "init"
        process = Process.parse(file.read_text()) if file.exists() else None
        return process if process and process.is_alive() else None

    def boot(self) -> None:
        """Start it, unless it runs. It runs until it is killed, whatever becomes of us."""
        if self.init:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        booted = self.directory / "booted"
        booted.unlink(missing_ok=True)
        namespaces = ("unshare", "--mount", "--pid", "--propagation", "slave", "--")
        self._spawn("machine", *namespaces, *DETACHED, "/bin/sh", str(BOOT), str(self.directory), *self._boot)
        pid = wait_until(lambda: booted.exists() and booted.read_text().strip(), f"{self.directory.name} boots")
        process = Process.of(int(pid))
        assert process, f"{self.directory.name} has ended at once: {self.tail('machine')}"
        (self.directory / "init").write_text(str(process))

    def kill(self) -> None:
        """Cut its power. What it had on disk stays."""
        if process := self.init:
            process.end(signal.SIGKILL)

    def enter(self) -> list[str]:
        """The words before a command that make it run inside."""
        process = self.init
        assert process, f"{self.directory.name} does not run"
        return ["nsenter", f"--target={process.pid}", "--mount", "--pid", "--"]

    def run(self, *words: str, stdin: BinaryIO | None = None) -> str:
        """Run a command inside, to its end; return what it wrote. Raises with what it said when it fails."""
        ran = subprocess.run(
            [*self.enter(), *words],
            env=self._environment,
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise RuntimeError(f"{' '.join(words)}: {ran.stderr.strip()[-2000:]}")
        return ran.stdout

    def start(self, name: str, *words: str) -> None:
        """Start a program inside, that runs on whatever becomes of us; `<name>.log` gets what it writes."""
        self._spawn(name, *self.enter(), *DETACHED, *words)

    def find(self, word: str) -> Process | None:
        """The program in it that was started by this first word of its command line, while it runs."""
        init = self.init
        place = init.namespace("pid") if init else None
        inside = (each for each in list_processes() if each.namespace("pid") == place)
        return next((each for each in inside if each.words()[:1] == [word]), None)

    def log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def tail(self, name: str) -> str:
        """The end of a log."""
        log = self.log(name)
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    def _spawn(self, name: str, *words: str) -> None:
        with self.log(name).open("ab") as log:
            subprocess.run(
                words,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                check=True,
            )
