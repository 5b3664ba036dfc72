"""What the tests of the informer get: an API server that is told what to do, and a cache whose clock a test sets."""

from collections.abc import Iterator

import pytest
from eightbells.reconciler.informer.cache import Cache

from tests.dispatcher.faults import Api
from tests.reconciler.informer.moments import Time
from tests.reconciler.informer.stage import Stage


@pytest.fixture
def api() -> Iterator[Api]:
    """An API server that answers as each test says."""
    with Api().serving() as api:
        yield api


@pytest.fixture
def time() -> Time:
    """The time of the cache."""
    return Time()


@pytest.fixture
def cache(time: Time) -> Cache:
    """A cache of a cluster that has been listed once."""
    cache = Cache(time.clock)
    cache.views.open("jobs", "").listed(0.0)
    cache.views.open("pods", "").listed(0.0)
    return cache


@pytest.fixture
def stage() -> Iterator[Stage]:
    """An API server whose lists and watches go wrong on command."""
    with Stage().serving() as stage:
        yield stage
