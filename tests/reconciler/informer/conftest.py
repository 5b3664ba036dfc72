"""What the tests of the informer get: an API server that is told what to do."""

from collections.abc import Iterator

import pytest

from tests.dispatcher.faults import Api


@pytest.fixture
def api() -> Iterator[Api]:
    """An API server that answers as each test says."""
    with Api().serving() as api:
        yield api
