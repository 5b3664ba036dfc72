"""The floor: Debian's redis-benchmark adds entries to a stream, 100 in each write to a connection, 50 connections."""

import csv
import shutil
import subprocess

from bench.servers import Server

ABSENT = "redis-benchmark is not on PATH: install Debian's redis-tools"
SMALL = 3
"""Bytes of the value where only the command itself is to be measured; redis-benchmark's own default."""


def is_present() -> bool:
    """Whether the tool is there."""
    return shutil.which("redis-benchmark") is not None


def rate(server: Server, size: int, entries: int = 200_000) -> float:
    """Return the entries a second that the server takes, each with a value of `size` bytes."""
    server.clear()
    entry = ["XADD", "bench-floor", "*", "d", "x" * size]
    options = ["-s", server.path, "-c", "50", "-P", "100", "-n", str(entries), "--csv"]
    done = subprocess.run(["redis-benchmark", *options, *entry], check=True, capture_output=True, text=True)
    rows = list(csv.DictReader(done.stdout.splitlines()))
    return float(rows[-1]["rps"])
