"""One measurement in a process of its own: `python -m bench.watching LIBRARY FUNCTION KUBECONFIG COUNT` prints what it
took: seconds, and seconds of CPU.
"""

import importlib
import os
import sys

from bench.laps import Laps


def main(library: str, function: str, kubeconfig: str, count: int) -> None:
    """Watch, and print what it took from the first event to the last."""
    program, laps = importlib.import_module(f"bench.watches.{library}"), Laps(count)
    getattr(program, function)(kubeconfig, laps)
    print(laps.seconds, laps.cpu, flush=True)
    os._exit(0)  # some leave threads that wait for the next event


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
