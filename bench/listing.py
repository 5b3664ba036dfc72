"""One measurement in a process of its own: `python -m bench.listing LIBRARY KUBECONFIG` prints what it took:
seconds, seconds of CPU, and bytes of memory.
"""

import importlib
import os
import sys
import time
from pathlib import Path


def resident() -> int:
    """Return the bytes of this process in memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def main(library: str, kubeconfig: str) -> None:
    """List, hold on to all of it, and print."""
    program = importlib.import_module(f"bench.lists.{library}")
    memory, clock, cpu = resident(), time.perf_counter(), time.process_time()
    held = program.read(kubeconfig)
    print(time.perf_counter() - clock, time.process_time() - cpu, resident() - memory, flush=True)
    assert held
    os._exit(0)  # a hundred thousand objects take their time to go


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
