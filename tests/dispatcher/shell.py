"""A shell to type `eightbells` into, and to run what its pod would run."""

import os
import subprocess
import sys
from pathlib import Path

from tests.dispatcher.submitting import Harbour

EIGHTBELLS = str(Path(sys.executable).with_name("eightbells"))
WRAPPER = str(Path(sys.executable).with_name("eightbells-wrapper"))
COMMON = ("--namespace", "test", "--job-namespace", "jobs", "--cluster", "c")


class Shell:
    """A shell whose environment leads to the bus and to the API server."""

    def __init__(self, harbour: Harbour, directory: Path) -> None:
        self.api = harbour.api
        self.directory = directory
        self.url = harbour.server.url
        self.client = harbour.server.client()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EIGHTBELLS_")}
        kubeconfig = self.api.write_kubeconfig(directory / "kubeconfig", token="t0ken")
        self.environ = {**kept, "EIGHTBELLS_URL": self.url, "EIGHTBELLS_KUBECONFIG": str(kubeconfig)}

    def start(self, *words: str) -> "subprocess.Popen[str]":
        command, *rest = words
        return subprocess.Popen(
            [EIGHTBELLS, command, *COMMON, *rest],
            env=self.environ,
            cwd=self.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        with self.start(*words) as process:
            stdout, stderr = process.communicate(given, timeout=25)
        assert "Traceback" not in stderr, stderr
        return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)

    def wrap(self, dispatch: str, *command: str, **variables: str) -> int:
        """Run a command in a wrapper that reports on the dispatch, as its pod would."""
        told = {"EIGHTBELLS_URL": self.url, "EIGHTBELLS_DISPATCH_ID": dispatch, "EIGHTBELLS_NAMESPACE": "test"}
        environ = {"PATH": os.environ["PATH"], **told, **variables}
        return subprocess.run([WRAPPER, "--", *command], env=environ, capture_output=True, check=False).returncode
