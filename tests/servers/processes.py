"""Processes as the kernel sees them: whether one is alive, and who its parent is; and which one a server is.

A zombie is not alive: nothing of it is left but an exit code that nobody has asked for.
"""

from contextlib import closing
from pathlib import Path

import redis


def about_server(url: str) -> dict[str, str]:
    """What the server at `url` says of itself: among the rest its `process_id` and its `executable`."""
    with closing(redis.Redis.from_url(url, decode_responses=True)) as client:
        found: dict[str, str] = client.info("server")
        return found


def is_alive(pid: int) -> bool:
    return _status(pid)[0] not in ("Z", "X", "")


def parent(pid: int) -> int:
    """The process that would learn of its end."""
    return int(_status(pid)[1])


def sleeps(pid: int) -> int:
    """How often it has waited for something; a number that grows shows a process that looks again and again."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def _status(pid: int) -> list[str]:
    """State and parent, of proc(5)'s stat; after the name, which is in parentheses and may contain anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return ["", "0"]
