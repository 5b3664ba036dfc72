"""The run of the tests that a process belongs to. Its name travels in the environment, so whatever a test starts
carries it, too; it is the name of the run's cluster, and says whose death ends both.

Every run of pytest imports this, so it imports little.
"""

import os
import tempfile
from pathlib import Path

from tests.cluster.machine import MARK
from tests.cluster.plan import ROOT
from tests.cluster.processes import Process
from tests.cluster.sources import KUBECONFIG


def begin_run() -> str | None:
    """Name the run, unless somebody has; return the name if it is ours to end."""
    if MARK in os.environ:
        return None
    process = Process.ours()
    os.environ[MARK] = f"run-{process.pid}-{process.started}"
    return os.environ[MARK]


def run_name() -> str:
    return os.environ[MARK]


def find_owner() -> Process | None:
    """The process that began the run; somebody who has named a cluster of his own keeps it."""
    kind, *numbers = run_name().split("-")
    return Process(*map(int, numbers)) if kind == "run" else None


def had_cluster(name: str) -> bool:
    """Whether any test of the run has asked for a cluster; of a given one nobody knows."""
    return bool(os.environ.get(KUBECONFIG)) or (ROOT / name).exists() or k3s_kubeconfig(name).exists()


def k3s_kubeconfig(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"eightbells-{name}.kubeconfig"
