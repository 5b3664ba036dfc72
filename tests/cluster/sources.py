"""Which cluster the tests have: one that was given, else one of our own, else k3s in a container.

Where there is none, the reason says in a line what is missing and what to do.
"""

import os
import subprocess
from functools import cache
from pathlib import Path

from tests.cluster import k3s_image
from tests.cluster.binaries import find_binaries

KUBECONFIG = "EIGHTBELLS_TEST_KUBECONFIG"
HOST_ADDRESS = "EIGHTBELLS_TEST_HOST_ADDRESS"
LOAD_IMAGE = "EIGHTBELLS_TEST_LOAD_IMAGE"
"""Of a cluster that was given: where its pods reach this machine, and a command that gives it an image's archive."""

PACKAGES = Path(__file__).with_name("packages.sh")


@cache
def reason_against_ours() -> str | None:
    """Why no cluster of our own can be started here and now, in a line, or None."""
    if os.geteuid():
        return "a cluster's nodes need root"
    missing = subprocess.run(["bash", PACKAGES, "--missing"], capture_output=True, text=True, check=True).stdout.split()
    if missing:
        return f"programs are missing: say apt-get install --no-install-recommends {' '.join(missing)}"
    if not find_binaries():
        return "the programs of a cluster have not been built: say python -m tests.cluster prepare"
    return None


@cache
def reason_against() -> str | None:
    """Why the tests can have no cluster at all."""
    if os.environ.get(KUBECONFIG):
        return None
    if not (against_ours := reason_against_ours()):
        return None
    against_k3s = k3s_image.reason_against()
    other = f"or set {KUBECONFIG} to a cluster of your own"
    return f"{against_ours}; {against_k3s}; {other}" if against_k3s else None
