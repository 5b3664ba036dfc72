"""What the tests of the dispatcher get: an API server that is told what to do, and a bus beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dispatcher.faults import Api
from tests.dispatcher.shell import Shell
from tests.dispatcher.submitting import Harbour
from tests.servers.server import Server


@pytest.fixture
def api() -> Iterator[Api]:
    """An API server that answers as each test says."""
    with Api().serving() as api:
        yield api


@pytest.fixture
def harbour(valkey: Server, api: Api, tmp_path: Path) -> Iterator[Harbour]:
    """Dispatchers, their bus, and that API server."""
    harbour = Harbour(valkey, api, tmp_path)
    yield harbour
    harbour.close()


@pytest.fixture
def shell(harbour: Harbour, tmp_path: Path) -> Shell:
    """A shell whose environment leads to the bus and to the API server."""
    return Shell(harbour, tmp_path)
