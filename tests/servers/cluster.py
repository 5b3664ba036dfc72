"""A cluster of three masters without replicas: what is asked of the bus there is that each script keeps to one slot."""

from pathlib import Path

import redis

from tests.servers.local import Local, free_port
from tests.servers.server import Server
from tests.waiting import wait_until

SLOTS = 16384
MASTERS = 3


class Cluster(Server):
    """Three processes. The URL is the first one's; a cluster's client learns the others from it."""

    is_cluster = True

    def __init__(self, kind: str, program: Path) -> None:
        self._masters = [_Master(kind, program) for _ in range(MASTERS)]
        super().__init__(kind, self._masters[0].url)
        self._is_formed = False

    @property
    def nodes(self) -> list[redis.Redis]:
        return [each.client() for each in self._masters]

    def start(self) -> None:
        for each in self._masters:
            each.start()
        if not self._is_formed:
            self._form()
        wait_until(self._is_ok, "every master knows of three and of all slots")

    def is_running(self) -> bool:
        return all(each.is_running() for each in self._masters)

    def kill(self) -> None:
        for each in self._masters:
            each.kill()

    def stop(self) -> None:
        for each in self._masters:
            each.stop()

    def close_clients(self) -> None:
        super().close_clients()
        for each in self._masters:
            each.close_clients()

    def remove(self) -> None:
        self.close_clients()
        for each in self._masters:
            each.remove()

    def _form(self) -> None:
        """Gives each a third of the slots, and introduces the others to the first."""
        for number, node in enumerate(self.nodes):
            node.cluster("SET-CONFIG-EPOCH", number + 1)
            first, last = SLOTS * number // MASTERS, SLOTS * (number + 1) // MASTERS - 1
            node.cluster("ADDSLOTSRANGE", first, last)
        for each in self._masters[1:]:
            self._masters[0].client().cluster("MEET", "127.0.0.1", each.port, each.bus_port)
        self._is_formed = True

    def _is_ok(self) -> bool:
        return all(_state(node) == ("ok", str(MASTERS), str(SLOTS)) for node in self.nodes)


class _Master(Local):
    def __init__(self, kind: str, program: Path) -> None:
        self.bus_port = free_port()
        super().__init__(kind, program, "--cluster-enabled", "yes", "--cluster-port", str(self.bus_port))


def _state(node: redis.Redis) -> tuple[str, str, str]:
    found = node.cluster("INFO")
    return found["cluster_state"], found["cluster_known_nodes"], found["cluster_slots_ok"]
