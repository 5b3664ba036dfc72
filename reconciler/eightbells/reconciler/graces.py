"""How long a state must last before it is an ending: the last column of docs/faults.md, section 1.

An installation changes them by code, and a dispatch caps those of what has not started by its start timeout.
"""

from eightbells.events.codes import Code
from msgspec import Struct
from msgspec.structs import replace

MINUTE = 60.0

PENDING: dict[Code, float] = {
    Code.IMAGE_INVALID: 0,
    Code.IMAGE_NOT_FOUND: 3 * MINUTE,
    Code.IMAGE_UNAUTHORIZED: 3 * MINUTE,
    Code.IMAGE_NEVER_PULL: 1 * MINUTE,
    Code.IMAGE_REGISTRY_UNAVAILABLE: 10 * MINUTE,
    Code.IMAGE_PULL_FAILED: 10 * MINUTE,
    Code.CONTAINER_CONFIG_ERROR: 5 * MINUTE,
    Code.CONTAINER_CREATE_ERROR: 5 * MINUTE,
    Code.START_ERROR: 1 * MINUTE,
    Code.CRASH_LOOP: 5 * MINUTE,
    Code.CANNOT_START: 10 * MINUTE,
    Code.UNSCHEDULABLE: 15 * MINUTE,
    Code.SANDBOX_OR_VOLUME: 10 * MINUTE,
    Code.POD_CREATE_DENIED: 1 * MINUTE,
    Code.QUOTA_EXCEEDED: 10 * MINUTE,
    Code.WEBHOOK_UNAVAILABLE: 5 * MINUTE,
}
"""Of what has not started. A start error that the container ended with has none, one that it waits with has this."""

CRASHES = 3
"""Restarts of a container that main waits for, before they are a loop."""

NEVER_A_POD = 60.0
"""Without any pod, before anybody asks why: the controller makes one within a second, or tries again."""

DYING = 10.0
"""After the deletionTimestamp, which already contains the termination grace."""

ABSENT: dict[Code, float] = {Code.NODE_LOST: 1 * MINUTE, Code.JOB_MISSING: 90.0}
"""Of what nobody says: on top of the termination grace, and on top of `create_before`."""

NET = 60.0
"""On top of activeDeadlineSeconds and the termination grace: the Job controller's own time to notice."""


class Graces(Struct, frozen=True):
    """Seconds by code, where an installation has its own, and the dispatch's start timeout."""

    by_code: dict[Code, float] = {}
    start_timeout: float | None = None

    def of(self, code: Code) -> float:
        """Return the grace of a code, in seconds; 0 where there is none."""
        own = self.by_code.get(code, (PENDING | ABSENT).get(code, 0.0))
        return own if self.start_timeout is None or code not in PENDING else min(own, self.start_timeout)

    def capped(self, start_timeout: float | None) -> "Graces":
        """Return those of a dispatch that says how long it may take to start."""
        known = [one for one in (self.start_timeout, start_timeout) if one is not None]
        return replace(self, start_timeout=min(known)) if known else self
