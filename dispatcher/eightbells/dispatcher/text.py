"""Refuses values that JSON, UTF-8 or a C string cannot hold, wherever in a dispatch they are."""

import math
from typing import Any

import msgspec
from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.errors import Refused

DEEPEST = 64
"""Levels of a template: far more than any manifest has, and far fewer than Python's stack."""


def check_text(dispatch: Dispatch) -> None:
    """Refuse text with a NUL or without an encoding, numbers that are none, and what is nested too deeply."""
    for name, value in msgspec.structs.asdict(dispatch).items():
        _check(name, msgspec.to_builtins(value, str_keys=True), DEEPEST)


def _check(path: str, value: Any, depth: int) -> None:
    if not depth:
        raise Refused(path[:200], f"is nested deeper than {DEEPEST} levels")
    if isinstance(value, str):
        _check_string(path, value)
    elif isinstance(value, int | float):
        _check_number(path, value)
    elif isinstance(value, dict):
        for key, one in value.items():
            _check_string(path, key)
            _check(f"{path}[{key!r}]", one, depth - 1)
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            _check(f"{path}[{index}]", one, depth - 1)


def _check_number(path: str, value: float) -> None:
    if not math.isfinite(value):
        raise Refused(path, f"{value} is not a number")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Refused(path, "has more than 64 bits")


def _check_string(path: str, text: str) -> None:
    if "\0" in text:
        raise Refused(path, "has a NUL, which no program, file name or variable can hold: leave it out, or encode it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused(path, "has half of a surrogate pair, which is no text: encode what is not UTF-8") from None
