"""The trace that the events belong to: W3C Trace Context, from variables of ours or else the container's own.

`tracestate` goes with the `traceparent` of the same origin, and never without one.
"""

from __future__ import annotations

from eightbells.wrapper.environment import PREFIX

HEXADECIMAL = frozenset("0123456789abcdef")
STATE_LENGTH = 512
"""As long as everybody must pass it on."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from eightbells.wrapper.environment import Variables


def find_trace(told: Variables) -> tuple[str | None, str | None]:
    """Return `traceparent` and `tracestate`, None where there is none that could be one."""
    for prefix in (PREFIX, ""):
        if parent := _take(told, f"{prefix}TRACEPARENT", is_traceparent, "00-<32 digits>-<16 digits>-01"):
            return parent, _take(told, f"{prefix}TRACESTATE", is_tracestate, "vendor=value,other=value")
        if prefix and told.exact(f"{PREFIX}TRACESTATE"):
            told.complain(f"{PREFIX}TRACESTATE", f"it goes with {PREFIX}TRACEPARENT, which is not there")
    return None, None


def _take(told: Variables, name: str, is_one: Callable[[str], bool], example: str) -> str | None:
    """Return what the variable says, if it is one; a wrong one is named where it is ours."""
    text = told.exact(name)
    if text and is_one(text):
        return text
    if text and name.startswith(PREFIX):
        told.complain(name, f"{text[:STATE_LENGTH]!r} is not one, such as {example}")
    return None


def is_traceparent(text: str) -> bool:
    """Whether this is version, trace, parent and flags in lower-case hexadecimal, neither id all zeros."""
    parts = text.split("-")
    is_whole = [len(part) for part in parts] == [2, 32, 16, 2] and set("".join(parts)) <= HEXADECIMAL
    return is_whole and parts[0] != "ff" and bool(parts[1].strip("0")) and bool(parts[2].strip("0"))


def is_tracestate(text: str) -> bool:
    """Whether this may be a list of vendors with what each of them says; whoever reads that looks closer."""
    is_line = len(text) <= STATE_LENGTH and text.isascii() and text.isprintable()
    return is_line and all("=" in member for member in text.split(","))
