"""`python -m tests.reconciler.informer.heavy KUBECONFIG`: list everything, and print how much memory that took.

A process of its own, so that only the informer's memory is counted.
"""

import json
import sys
from pathlib import Path

from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.informer import Informer

from tests.waiting import wait_until


def resident() -> int:
    """Bytes of this process in memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def main() -> None:
    connection = Connection.find(sys.argv[1])
    cache = Cache(connection.clock)
    changed: set[str] = set()
    informer = Informer(connection, cache, (), changed.add)
    connection.get("/api/v1/pods", {"limit": "500"})
    before = resident()
    informer.start()
    wait_until(lambda: informer.is_synced, "all is listed", within=120)
    informer.stop()
    changed.clear()
    sizes = cache.sizes()
    print(json.dumps({"jobs": sizes.jobs, "pods": sizes.pods, "before": before, "after": resident()}))


main()
