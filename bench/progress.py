"""What a person sees while it runs: one line on stderr a step."""

import sys
import time

_start = time.monotonic()


def say(step: str) -> None:
    """Print a step with the seconds since the start."""
    print(f"{time.monotonic() - _start:5.0f} s  {step}", file=sys.stderr, flush=True)
