"""Keys that would stay for ever: what a bus leaves without a TTL, though its kind of key should have one.

The rule of the bus: nothing grows for ever. `cfg` and `ev` stay (the log is trimmed by age), a queue stays while
something is owed, and every other kind of key has an age.
"""

import re
from collections.abc import Iterable

import redis

BUS_KEY = re.compile(r"\{eb:[a-z0-9-]{1,63}\}:(?P<kind>[^:]*)", re.ASCII)
STAYING = {"cfg", "ev", "todo"}
WITHOUT_TTL = -1


def leaked(nodes: Iterable[redis.Redis]) -> list[str]:
    """The keys of every bus on these servers that never expire and should, in order."""
    return sorted(key for node in nodes for key, ttl in ages(node) if ttl == WITHOUT_TTL and must_expire(key))


def must_expire(key: str) -> bool:
    """Whether this is a bus's key, and of a kind that has an age; a kind that nobody knows is one."""
    found = BUS_KEY.match(key)
    return found is not None and found["kind"] not in STAYING


def ages(node: redis.Redis) -> Iterable[tuple[str, int]]:
    """Every key of the server, with its TTL in milliseconds."""
    keys = list(node.scan_iter(match="{eb:*", count=1000))
    with node.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.pttl(key)
        yield from zip((bytes(key).decode() for key in keys), pipeline.execute(), strict=True)
