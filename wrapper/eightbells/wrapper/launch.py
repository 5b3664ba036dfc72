"""What the launcher found and hands over: the signal mask, and the environment, which it made unreadable on the way.

Without a launcher both are as this process has them.
"""

from __future__ import annotations

import posix
import sys

from eightbells.wrapper import signals

FOUND = sys._xoptions.get("found")  # noqa: SLF001 - where the interpreter keeps its -X options
"""The mask, in hexadecimal; None where there was no launcher."""

HIGH = 0x80
ESCAPE = 0x01


def found_mask(mask: set[int]) -> set[int]:
    """Return the signals that were blocked when we were started; `mask` is what the interpreter found."""
    if not isinstance(FOUND, str):
        return mask
    bits = int(FOUND, 16)
    return {number for number in signals.ALL if bits >> (number - 1) & 1}


def find_entries() -> list[bytes]:
    """Return the environment that we were started with, as the strings it is made of.

    Not from `posix.environ`, if it can be helped: in a C locale the interpreter adds an LC_CTYPE of its own (PEP 538),
    which the command must not get.
    """
    try:
        with open("/proc/self/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        entries = [name + b"=" + value for name, value in posix.environ.items()]
    return [reveal(entry) for entry in entries if is_found(entry)] if FOUND else entries


def is_found(entry: bytes) -> bool:
    """Whether the launcher found the entry; what it did not hide is not of its time."""
    return entry[:1] >= bytes([HIGH]) or entry[:1] == bytes([ESCAPE])


def reveal(entry: bytes) -> bytes:
    """Undo launcher.c: it sets the highest bit of the first byte, and puts a 1 before a byte that has it."""
    return entry[1:] if entry[0] == ESCAPE else bytes([entry[0] & ~HIGH]) + entry[1:]
