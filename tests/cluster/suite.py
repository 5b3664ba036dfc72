"""A run of pytest inside a test, with the cluster's fixtures: what a run promises is seen from outside."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.machine import MARK

ROOT = Path(__file__).resolve().parents[2]
NOT_INHERITED = {MARK, "CI", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"}


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    said: str


def run_suite(directory: Path, tests: str, seconds: int, **environment: str) -> Outcome:
    """Run these tests, in a process of its own and as a run of its own."""
    (directory / "test_it.py").write_text(tests)
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.cluster.fixtures", "-p", "no:cacheprovider", "-ra", directory],
        cwd=ROOT,
        # Plugins that nobody asks for take seconds to load on a busy machine.
        env={**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    return Outcome(ran.returncode, ran.stdout + ran.stderr)
