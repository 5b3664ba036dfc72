"""The trace that the events belong to: W3C Trace Context, from variables of ours or else the container's own.

`tracestate` goes with the `traceparent` of the same origin, and never without one.
"""

from __future__ import annotations

from eightbells.wrapper.environment import PREFIX

HEXADECIMAL = frozenset("0123456789abcdef")
KEY = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-*/@")
STATE_LENGTH, MEMBERS, MEMBER_LENGTH = 512, 32, 256
"""As long as everybody must pass it on; how many vendors; the length of a key or a value."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from eightbells.wrapper.environment import Variables


def find_trace(told: Variables) -> tuple[str | None, str | None]:
    """Return `traceparent` and `tracestate`, None where there is none that could be one."""
    for prefix in (PREFIX, ""):
        if parent := _take(told, f"{prefix}TRACEPARENT", is_traceparent, "00-<32 digits>-<16 digits>-01"):
            return parent, _take(told, f"{prefix}TRACESTATE", is_tracestate, "vendor=value,other=value")
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
    """Whether this is a list of vendors, each once, with what each of them says."""
    members = [member.strip(" \t").partition("=") for member in text.split(",") if member.strip(" \t")]
    keys = {key for key, _, _ in members}
    is_list = len(text) <= STATE_LENGTH and 0 < len(members) == len(keys) <= MEMBERS
    return is_list and all(_is_key(key) and _is_value(value) for key, _, value in members)


def _is_key(text: str) -> bool:
    is_short = 0 < len(text) <= MEMBER_LENGTH
    return is_short and set(text) <= KEY and text[0].isalnum() and text.count("@") <= 1


def _is_value(text: str) -> bool:
    return 0 < len(text) <= MEMBER_LENGTH and "=" not in text and all(" " <= letter <= "~" for letter in text)
