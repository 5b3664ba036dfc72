"""What every test of the bus gets: one namespace, on each kind of server there is."""

import pytest

from tests.bus.bus import Bus
from tests.servers.server import Server


@pytest.fixture
def bus(server: Server) -> Bus:
    """An empty namespace without a group."""
    return Bus(server)


@pytest.fixture
def owed(bus: Bus) -> Bus:
    """A namespace with a group `g`."""
    bus.add("g")
    return bus
