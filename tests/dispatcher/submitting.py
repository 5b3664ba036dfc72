"""A dispatcher on a real bus and an API server that is told what to do."""

from pathlib import Path
from typing import Any

from eightbells.dispatcher import Dispatch, Dispatcher, Settings
from eightbells.events import document
from eightbells.events.contract import keys
from eightbells.events.schema import ENDINGS, Event

from tests.bus.bus import Bus
from tests.dispatcher.faults import Api
from tests.servers.server import Server

SETTINGS = Settings(cluster="c", namespace="jobs", bus_namespace="test")


def dispatch(name: str = "d", **more: Any) -> Dispatch:
    """A dispatch that can be submitted."""
    return Dispatch(id=name, image="busybox:1", command=("true",), **more)


class Harbour:
    """What a test of the dispatcher looks at: the bus, the API server, and dispatchers on them."""

    def __init__(self, server: Server, api: Api, directory: Path) -> None:
        self.bus = Bus(server)
        self.api = api
        self.server = server
        self._directory = directory
        self._opened: list[Dispatcher] = []

    def open(self, *, seconds: float = 10.0, url: str = "", connections: int = 64, **options: Any) -> Dispatcher:
        """Return a dispatcher; the API has so many seconds to answer."""
        api = self.api.connect(self._directory / "kubeconfig", seconds=seconds, connections=connections)
        self._opened.append(Dispatcher(SETTINGS, url or self.server.url, api, **options))
        return self._opened[-1]

    def read(self, name: str = "d") -> dict[str, str]:
        """Return the record as the bus keeps it."""
        found: dict[bytes, bytes] = self.bus.client.hgetall(keys.record("test", name))
        return {field.decode(): value.decode() for field, value in found.items()}

    @property
    def endings(self) -> list[Event]:
        """Every ending that was accepted."""
        entries = self.bus.client.xrange(keys.log("test"))
        events = [document.decode(fields[b"d"]) for _, fields in entries]
        return [event for event in events if event.data.state in ENDINGS]

    def close(self) -> None:
        """Close what was opened."""
        for one in self._opened:
            one.close()
