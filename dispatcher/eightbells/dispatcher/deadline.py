"""When a Job is stopped by Kubernetes: the net under the wrapper's own deadline, which counts from the command's start.

It counts from the Job's start, so it has room for everything that may come before and between the runs.
"""

import math

from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.settings import Settings
from eightbells.dispatcher.template import count_waves

LONGEST = 2**31 - 1
"""Seconds: what every field of Kubernetes that holds some can hold."""

UNLIMITED = 24 * 60 * 60
"""Seconds that a dispatch without a timeout gets in all: something that hangs must end some day."""

BACKOFF, LONGEST_BACKOFF = 10, 10 * 60
"""Seconds before the second run, doubled before each further one (kubernetes, pkg/controller/job)."""

SLACK = 30


def active_deadline(dispatch: Dispatch, settings: Settings) -> int:
    """Return the seconds that the Job may take; where its template has indexes, with those that wait for others."""
    if dispatch.timeout is None:
        return UNLIMITED
    run = dispatch.timeout + dispatch.grace + settings.reserve
    return math.ceil(
        dispatch.start_timeout
        + (dispatch.retries + count_waves(dispatch.template)) * run
        + backoffs(dispatch.retries)
        + SLACK
    )


def backoffs(retries: int) -> int:
    """Return the seconds that the Job waits before its retries, all together."""
    return sum(min(BACKOFF * 2**one, LONGEST_BACKOFF) for one in range(retries))


def termination_grace(dispatch: Dispatch, settings: Settings) -> int:
    """Return the pod's grace: the command's, and the part that the wrapper keeps for its last report."""
    return math.ceil(dispatch.grace + settings.reserve)
