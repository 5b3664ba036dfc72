"""`python -m tests.cluster up | down | prepare`: a cluster for a person to play with, named `default`.

`prepare` gets what `up` and the tests need: Debian's packages and the cluster's programs.
"""

import argparse
import os
import subprocess
import sys

from tests.cluster.binaries import BinariesMissing, take_binaries
from tests.cluster.cluster import Cluster, sweep
from tests.cluster.given import KUBECONFIG
from tests.cluster.network import NetworkError
from tests.cluster.progress import say
from tests.cluster.sources import PACKAGES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("what", choices=("up", "down", "prepare"))
    parser.add_argument("--nodes", type=int, default=2, help="how many, when it is made (2)")
    asked = parser.parse_args()
    try:
        return {"up": up, "down": down, "prepare": prepare}[asked.what](asked.nodes)
    except (BinariesMissing, NetworkError) as error:
        say(f"no cluster: {error}")
        return 1


def up(nodes: int) -> int:
    if prepare(nodes):
        return 1
    cluster = Cluster().start(nodes)
    say("cluster default runs; it stays until `make cluster-down`. Next:")
    print(f"export KUBECONFIG={cluster.kubeconfig}")
    return 0


def down(_: int) -> int:
    Cluster().stop()
    sweep()
    return 0


def prepare(_: int) -> int:
    if os.environ.get(KUBECONFIG):
        return 0
    if os.geteuid():
        say("no cluster: its nodes need root")
        return 1
    if subprocess.run(["bash", PACKAGES], check=False).returncode:
        return 1
    take_binaries()
    return 0


sys.exit(main())
