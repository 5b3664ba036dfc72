"""How a consumer works, as one frozen value; times are seconds."""

import os
import socket

from eightbells.consumer.errors import BadOption
from eightbells.events.contract.keys import check_group, check_namespace
from msgspec import Struct


def default_owner() -> str:
    """Return a name for this process that a person can find: host and pid."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Options(Struct, frozen=True, kw_only=True):
    """What can be chosen about a consumer.

    `concurrency` handlers run at once; at most `prefetch` events are held beside those. A handler keeps an ending
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
        for name in ("concurrency", "prefetch", "max_tries"):
            if getattr(self, name) < 1:
                raise BadOption(f"{name} is {getattr(self, name)}: it has to be at least 1")
        if self.lease <= 0 or self.backoff < 0 or self.backoff_limit < self.backoff or self.stop_deadline < 0:
            raise BadOption("lease must be above 0, 0 <= backoff <= backoff_limit, and stop_deadline 0 or more")

    @property
    def lease_ms(self) -> int:
        """The lease as the scripts take it."""
        return max(1, int(self.lease * 1000))
