"""Many rounds of one thing, a few at a time, so that each is disturbed by others, with a line for every tenth part."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

AT_A_TIME = 4
Result = TypeVar("Result")


def play(count: int, once: Callable[[int], Result], shown: pytest.CaptureFixture[str]) -> list[Result]:
    """Play each round and return what became of it, in order."""
    results = []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for result in pool.map(once, range(count)):
            results.append(result)
            if len(results) % (count // 10) == 0:
                with shown.disabled():
                    print(f" {len(results)} of {count} rounds", file=sys.stderr, flush=True)
    return results
