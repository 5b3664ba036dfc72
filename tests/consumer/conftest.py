"""What the tests of a consumer get: a bus with a group `g` that is owed what will be published."""

import pytest

from tests.bus.bus import Bus
from tests.consumer.consuming import Town
from tests.servers.server import Server


@pytest.fixture
def town(valkey: Server) -> Town:
    """A bus whose group `g` nobody consumes yet."""
    bus = Bus(valkey)
    bus.add("g")
    return Town(bus)
