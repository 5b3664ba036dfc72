"""A cluster of our own: real control plane and nodes on this machine, known by a name.

All that is known of it lies in its directory, so any process may have it at hand, start it, use it or stop it. Starting
what runs changes nothing; stopping leaves nothing.
"""

import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from tests.cluster import images
from tests.cluster.access import Access
from tests.cluster.binaries import take_binaries
from tests.cluster.cgroups import remove_cgroup
from tests.cluster.control_plane import ControlPlane
from tests.cluster.identities import ADMIN, Identities
from tests.cluster.leaks import find_processes
from tests.cluster.locks import locked
from tests.cluster.machine import Machine
from tests.cluster.network import MAX_NODES, Network, claim_network, is_served, list_bridges, remove_bridge
from tests.cluster.node import Node, Place, name_node
from tests.cluster.plan import ROOT, Plan
from tests.cluster.processes import Process
from tests.cluster.program import Program
from tests.cluster.progress import say
from tests.waiting import wait_until

SECONDS_TO_JOIN = 120


class Cluster(Access):
    def __init__(self, name: str = "default") -> None:
        self.name = name
        self.directory = ROOT / name
        super().__init__(self.directory / "kubeconfig", name)

    @property
    def host_address(self) -> str:
        """Where its pods reach a server of this machine that listens on all addresses, or on this one."""
        return str(self.network.host)

    @property
    def nodes(self) -> Sequence[Node]:
        """Those that it was made with; a spare one is its borrower's. Each is as good as another of the same name."""
        return [self._node(index) for index in range(self.plan.nodes)]

    @property
    def control_plane(self) -> ControlPlane:
        return ControlPlane(self._machine("control-plane"), Path(self.plan.binaries), self.network, self._identities)

    @property
    def api_server(self) -> Program:
        return self.control_plane.api_server

    @property
    def plan(self) -> Plan:
        return Plan.read(self.directory)

    @property
    def network(self) -> Network:
        return Network(self.plan.number)

    @property
    def bridge(self) -> str | None:
        """The interface that is its own, and the name of its cgroups; a cluster elsewhere has none here."""
        return self.network.bridge

    def is_made(self) -> bool:
        """Whether there is anything of it, running or not."""
        return self.directory.exists()

    def start(self, nodes: int = 2, owner: Process | None = None) -> Self:
        """Start what does not run, and return when every node is ready. Raises `BinariesMissing`, `NetworkError`.

        It is swept away by the next start of any cluster once its `owner` is dead; without one it stays.
        """
        assert 0 < nodes <= MAX_NODES, f"a cluster here has 1 to {MAX_NODES} nodes"
        binaries = take_binaries()
        with locked(ROOT.parent):
            sweep()
            if not (self.directory / "kubeconfig").exists():
                self._remove()
                self._make(Plan(claim_network().number, nodes, str(binaries), str(owner or "")))
        with locked(self.directory):
            self._start()
        return self

    def stop(self) -> None:
        """Stop everything, and take every trace of it away; of those whose owner is dead, too."""
        with locked(ROOT.parent):
            self._remove()
            sweep()

    def compact(self) -> int:
        """Let etcd forget the past, as it does by itself every five minutes; return what is now the oldest revision."""
        return self.control_plane.compact()

    def load_image(self, archive: Path) -> None:
        """Give every node the images of an archive, as `docker save` or an OCI builder writes it; new nodes, too."""
        with locked(self.directory):
            if kept := images.keep_archive(archive, self.directory / "images"):
                for node in self.nodes:
                    node.load_image(kept)
                for node in map(self._node, self.plan.spares):
                    # Somebody does it harm: it may be without power, or without what takes images.
                    with suppress(AssertionError, RuntimeError):
                        node.load_image(kept)

    def use_registry(self, address: str) -> None:
        """Let the nodes pull from `host:port` by plain HTTP."""
        for node in self._all_nodes():
            node.use_registry(address)

    @contextmanager
    def spare_node(self) -> Iterator[Node]:
        """One more node for somebody who will do it harm; a taint keeps other people's pods away.

        A pod gets there by its `nodeName`, or with a toleration of everything and the node's name as selector.
        """
        with locked(self.directory):
            plan = self.plan
            index = next(index for index in range(plan.nodes, MAX_NODES) if index not in plan.spares)
            plan.with_spare(index).write(self.directory)
        node = self._node(index)
        try:
            node.launch(self._list_images(), is_spare=True)
            node.start()
            yield node
        finally:
            node.cut_power()
            self.core.delete_node(node.name)
            shutil.rmtree(self.directory / node.name)
            with locked(self.directory):
                self.plan.without_spare(index).write(self.directory)

    def _make(self, plan: Plan) -> None:
        (self.directory / "images").mkdir(parents=True)
        plan.write(self.directory)
        images.write_pause(self.directory / "images/pause.tar")
        images.write_busybox(self.directory / "images/busybox.tar")
        self._identities.make([name_node(index) for index in range(MAX_NODES)])
        # Last, because it says that all is made.
        self._identities.write_kubeconfig(self.kubeconfig, ADMIN)

    def _start(self) -> None:
        say(f"cluster {self.name}: starting the control plane")
        self.control_plane.start()
        say(f"cluster {self.name}: starting {len(self.nodes)} nodes")
        for node in self.nodes:
            node.launch(self._list_images())
        wait_until(
            lambda: all(node.is_ready() for node in self.nodes),
            "every node is ready",
            within=SECONDS_TO_JOIN,
            pause=0.1,
        )

    def _remove(self) -> None:
        self.close()
        if not self.is_made():
            return
        for directory in (self.directory / "control-plane", *self.directory.glob("node-*")):
            Machine(self.name, directory).kill()
        if Plan.exists(self.directory):
            remove_cgroup(self.network.bridge)
            remove_bridge(self.network.bridge)
        shutil.rmtree(self.directory)
        if not any(ROOT.iterdir()):
            ROOT.rmdir()

    def _all_nodes(self) -> list[Node]:
        return [*self.nodes, *map(self._node, self.plan.spares)]

    def _list_images(self) -> list[Path]:
        return sorted((self.directory / "images").glob("*.tar"))

    def _machine(self, name: str, *boot: str) -> Machine:
        return Machine(self.name, self.directory / name, *boot)

    @property
    def _identities(self) -> Identities:
        return Identities(self.directory / "pki", self.network.api)

    def _node(self, index: int) -> Node:
        machine = self._machine(name_node(index), self.plan.binaries)
        return Node(machine, Place(index, self.network), self._identities, self.is_node_ready)


def sweep() -> None:
    """Remove every cluster whose owner is dead, and every bridge that belongs to none and that nobody uses."""
    plans = {directory.name: Plan.read(directory) for directory in ROOT.glob("*/") if Plan.exists(directory)}
    for name, plan in plans.items():
        if plan.owner and not Process.parse(plan.owner).is_alive():
            say(f"cluster {name}: removing it, because its owner is gone")
            # Also what a test of its run has left, and a machine that was just about to boot.
            for process in find_processes(name):
                process.end(signal.SIGKILL)
            Cluster(name)._remove()
    # Somebody may have died between his claim and his plan. Where one is served, its plan is hidden from us, in a
    # container with the machine's network and files of its own.
    for bridge in {*list_bridges()} - {Network(plan.number).bridge for plan in plans.values()}:
        if not is_served(bridge):
            remove_bridge(bridge)
