"""A line for whoever waits: what takes long says what it does, on stderr, so that output stays for results."""

import sys


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
