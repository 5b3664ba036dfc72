"""What the tests wait with."""

import asyncio
from itertools import count

import pytest

from tests.waiting import wait_until, wait_until_async


def test_waiting_returns_what_it_saw() -> None:
    """The first true value is returned, and nobody looks after it."""
    looks = count()
    assert wait_until(lambda: next(looks) >= 3 and "three") == "three"
    assert next(looks) == 4


def test_waiting_gives_up_with_a_sentence() -> None:
    """What never becomes true fails with its name, its limit and the last look."""
    with pytest.raises(AssertionError, match=r"not within 0\.02 s: the tide turns; the last look saw \[\]"):
        wait_until(list, "the tide turns", within=0.02)


async def test_waiting_in_a_coroutine_lets_others_run() -> None:
    """What another task does is seen, whether one looks with a function or with a coroutine function."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)

    async def is_done() -> bool:
        return done.is_set()

    assert await wait_until_async(is_done)
    assert await wait_until_async(done.is_set)
