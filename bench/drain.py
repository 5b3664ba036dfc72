"""One measurement in a process of its own: `python -m bench.drain LIBRARY URL COUNT` prints its figures as JSON."""

import asyncio
import importlib
import json
import logging
import sys
import time

from bench.servers import cpu_seconds


def main(library: str, url: str, count: int) -> None:
    """Fill and drain, and print seconds, and the seconds of CPU that the server and this process took."""
    logging.basicConfig(level=logging.WARNING)
    program = importlib.import_module(f"bench.drains.{library}")
    asyncio.run(program.fill(url, count))
    server, own = cpu_seconds(url), time.process_time()
    seconds = asyncio.run(program.drain(url, count))
    figures = {"seconds": seconds, "server": cpu_seconds(url) - server, "client": time.process_time() - own}
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
