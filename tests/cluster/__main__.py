"""`python -m tests.cluster up | down | prepare`: a cluster for a person to play with.

`prepare` gets what `up` and the tests need: Debian's packages and the cluster's programs.
"""

import argparse
import os
import subprocess
import sys

from tests.cluster.binaries import BinariesMissing, take_binaries
from tests.cluster.cluster import Cluster
from tests.cluster.network import MAX_NODES, NetworkError
from tests.cluster.progress import say
from tests.cluster.sources import KUBECONFIG, PACKAGES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("what", choices=("up", "down", "prepare"))
    parser.add_argument("--name", default="default", help="of the cluster (default)")
    parser.add_argument("--nodes", type=int, default=2, help="how many, when it is made (2)")
    asked = parser.parse_args()
    if not 0 < asked.nodes <= MAX_NODES:
        parser.error(f"a cluster here has 1 to {MAX_NODES} nodes, not {asked.nodes}")
    try:
        match asked.what:
            case "up":
                return up(asked.name, asked.nodes)
            case "down":
                Cluster(asked.name).stop()
                return 0
            case _:
                return prepare()
    except (BinariesMissing, NetworkError) as error:
        say(f"no cluster: {error}")
        return 1


def up(name: str, nodes: int) -> int:
    if prepare():
        return 1
    cluster = Cluster(name).start(nodes)
    cluster.close()
    say(f"cluster {name} runs, with {len(cluster.nodes)} nodes, until `make cluster-down`. Next:")
    print(f"export KUBECONFIG={cluster.kubeconfig}")
    return 0


def prepare() -> int:
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
