"""What the tests of the wrapper get: a plain init, and one that reports on a dispatch of its own."""

import re
from collections.abc import Iterator

import pytest

from tests.servers.server import Server
from tests.wrapper.wrapping import Dispatch, Wrapping


@pytest.fixture
def init() -> Iterator[Wrapping]:
    """Wrappers that report nothing."""
    wrapping = Wrapping({})
    yield wrapping
    wrapping.close()


@pytest.fixture
def dispatch(valkey: Server, request: pytest.FixtureRequest) -> Iterator[Dispatch]:
    """Wrappers that report on one dispatch, named as the test."""
    dispatch = Dispatch(valkey, re.sub(r"[^A-Za-z0-9._:@/+-]", "-", request.node.name)[:200])
    yield dispatch
    dispatch.close()
