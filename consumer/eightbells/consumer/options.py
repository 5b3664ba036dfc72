"""How a consumer works, as one frozen value; times are seconds."""

import os
import socket
from math import inf

from eightbells.consumer.errors import BadOption
from eightbells.events.contract.keys import check_group, check_namespace
from msgspec import Struct


def default_owner() -> str:
    """Return a name for this process that a person can find: host and pid."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be chosen about a consumer.

    `concurrency` handlers run at once; at most `prefetch` events are held beside those, and nothing more is fetched
    while their documents have `prefetch_bytes`. A handler keeps an ending
    for `lease` seconds after its process has died or lost the server: longer means later redelivery, shorter more
    renewals. A failed ending waits between `backoff` and `backoff_limit` seconds, with full jitter; after
    `max_tries` it goes to the dead letters. On stop, handlers have `stop_deadline` seconds to end by themselves.
    """

    group: str
    namespace: str = "default"
    owner: str = ""
    progress: bool = False
    concurrency: int = 100
    prefetch: int = 500
    prefetch_bytes: int = 32 * 1024 * 1024
    lease: float = 30.0
    max_tries: int = 10
    backoff: float = 1.0
    backoff_limit: float = 300.0
    due_interval: float = 1.0
    touch_interval: float = 10.0
    stop_deadline: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what cannot work, by name and with the reason."""
        check_group(self.group)
        check_namespace(self.namespace)
        for name in ("concurrency", "prefetch", "prefetch_bytes", "max_tries"):
            if getattr(self, name) < 1:
                raise BadOption(f"{name} is {getattr(self, name)}: it has to be at least 1")
        for name in ("lease", "due_interval", "touch_interval"):
            if not 0 < getattr(self, name) < inf:
                raise BadOption(f"{name} is {getattr(self, name)}: it has to be seconds, above 0")
        if not 0 <= self.backoff <= self.backoff_limit < inf or not 0 <= self.stop_deadline < inf:
            raise BadOption("backoff, backoff_limit and stop_deadline are seconds, 0 or more, and backoff is the lower")

    @property
    def held_at_most(self) -> int:
        """How many events a consumer holds, those in handlers counted."""
        return self.concurrency + self.prefetch

    @property
    def lease_ms(self) -> int:
        """The lease as the scripts take it."""
        return max(1, int(self.lease * 1000))
