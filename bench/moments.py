"""The moments in the life of a dispatch, and how those who see them note them: a line of dispatch, moment, nanoseconds.

Every observer is a process of its own, so that none waits for another's Python, and writes into a file of its own. All
ask one clock, because all run on one machine: pods, too.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

SUBMITTED = "submitted"
RETURNED = "submit-returned"
ACCEPTED = "running-accepted"
RUNNING_HANDLED = "running-handled"
POD_RUNNING = "pod-running"
JOB_READY = "job-ready"
COMMAND_ENDED = "command-ended"
ENDING_HANDLED = "ending-handled"
POD_TERMINATED = "pod-terminated"
JOB_DECIDED = "job-decided"
JOB_FINISHED = "job-finished"

Moments = dict[str, int]
"""Nanoseconds since the epoch, for each moment that was seen."""


def note(dispatch: str, moment: str, nanoseconds: int) -> None:
    """Note on stdout that a moment has come."""
    sys.stdout.write(f"{dispatch} {moment} {nanoseconds}\n")
    sys.stdout.flush()


def read_notes(dispatch: str, files: Iterable[Path]) -> Moments:
    """Return what all have noted about a dispatch; of a moment that was seen twice, the first time."""
    moments: Moments = {}
    for file in files:
        # A line that is just being written is left for the next look.
        for line in file.read_text().rpartition("\n")[0].splitlines():
            subject, moment, nanoseconds = line.split()
            if subject == dispatch:
                moments.setdefault(moment, int(nanoseconds))
    return moments
