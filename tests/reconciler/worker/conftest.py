"""What the tests of the worker get: a reconciler's post on a real bus."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.reconciler.worker.post import Post
from tests.servers.server import Server


@pytest.fixture
def open_post(valkey: Server) -> Iterator[Callable[..., Post]]:
    """Opens posts on one bus, with options."""
    opened: list[Post] = []

    def open_(**options: Any) -> Post:
        opened.append(Post(valkey, **options))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def post(open_post: Callable[..., Post]) -> Post:
    """A reconciler as it is by default."""
    return open_post()
