"""Waiting for a condition, which is what the tests do instead of sleeping.

The rule: a test never knows how long something takes, only what must become true. The limit is there to fail with a
sentence instead of with the suite's own time-out.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

LIMIT = 20.0
"""Seconds. Shorter than the suite's 30 s a test, and far longer than anything here takes on a busy machine."""

PAUSE = 0.005
"""Seconds between two looks. A look is cheap, and a test is as slow as its pauses."""


def wait_until(look: Callable[[], T], what: str = "", *, within: float = LIMIT, pause: float = PAUSE) -> T:
    """Look again and again, at most `within` seconds; return the first true value that `look` returns.

    A look that costs somebody else something, such as an API server that is just starting, asks for a longer pause.
    """
    end = time.monotonic() + within
    while not (seen := look()):
        if time.monotonic() > end:
            raise AssertionError(_never(what, look, seen, within))
        time.sleep(pause)
    return seen


@overload
async def wait_until_async(look: Callable[[], Awaitable[T]], what: str = "", *, within: float = LIMIT) -> T: ...
@overload
async def wait_until_async(look: Callable[[], T], what: str = "", *, within: float = LIMIT) -> T: ...
async def wait_until_async(look: Callable[[], object], what: str = "", *, within: float = LIMIT) -> object:
    """Do the same in a coroutine: the loop runs on between two looks, and `look` may be a coroutine function."""
    end = time.monotonic() + within
    while not (seen := await _settled(look())):
        if time.monotonic() > end:
            raise AssertionError(_never(what, look, seen, within))
        await asyncio.sleep(PAUSE)
    return seen


async def _settled(value: object) -> object:
    return await value if isinstance(value, Awaitable) else value


def _never(what: str, look: Callable[[], object], seen: object, within: float) -> str:
    name = what or getattr(look, "__qualname__", repr(look))
    return f"not within {within:g} s: {name}; the last look saw {seen!r}"
