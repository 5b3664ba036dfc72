"""Waiting for something that another process does."""

import time
from collections.abc import Callable

STEP = 0.02


def wait_until(is_so: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until it is so. Fails with `what` after so many seconds."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"there is no {what} after {seconds:g} s"
        time.sleep(STEP)
