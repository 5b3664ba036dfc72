"""`python -m bench.crowd COUNT`: an API server with so many pods. It prints its URL, and ends with its stdin."""

import sys

from tests.reconciler.informer.crowd import Crowd

if __name__ == "__main__":
    with Crowd(0, int(sys.argv[1])).serving() as crowd:
        print(crowd.url, flush=True)
        sys.stdin.read()
