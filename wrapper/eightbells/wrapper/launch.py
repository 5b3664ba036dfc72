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

    Without a launcher not from `posix.environ`, if it can be helped: in a C locale the interpreter adds an LC_CTYPE of
    its own (PEP 538), which the command must not get.
    """
    if FOUND:
        return [reveal(name) + b"=" + value for name, value in posix.environ.items() if is_found(name)]
    try:
        with open("/proc/self/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return [name + b"=" + value for name, value in posix.environ.items()]


def is_found(name: bytes) -> bool:
    """Whether the launcher found the variable; what it did not hide is not of its time."""
    return name[:1] >= bytes([HIGH]) or name[:1] == bytes([ESCAPE])


def reveal(name: bytes) -> bytes:
    """Undo launcher.c: it sets the highest bit of the first byte, and puts a 1 before a byte that has it."""
    return name[1:] if name[0] == ESCAPE else bytes([name[0] & ~HIGH]) + name[1:]
