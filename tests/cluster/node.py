"""A node: a machine with containerd and a kubelet, at their usual paths, on an address of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cgroups import make_cgroup, remove_cgroup
from tests.cluster.identities import Identities
from tests.cluster.images import PAUSE, find_program
from tests.cluster.machine import Machine
from tests.cluster.network import Network
from tests.cluster.program import Program
from tests.waiting import wait_until

SOCKET = "/run/containerd/containerd.sock"
PLUGINS = "/usr/lib/cni"
SPARE = "eightbells.test/spare"
"""The taint of a node that somebody is about to do harm to."""

SECONDS_TO_JOIN = 60
SECONDS_TO_LOSE = 60
"""The controllers look every 2 s and are patient for 12; NotReady also waits for a heartbeat on a busy machine."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which of the cluster's nodes it is: its number, from 0, in which network."""

    index: int
    network: Network

    @property
    def name(self) -> str:
        return name_node(self.index)

    @property
    def address(self) -> str:
        return str(self.network.node(self.index))

    @property
    def cgroup(self) -> str:
        return f"{self.network.bridge}/{self.name}"


class Node:
    """`is_ready(name)` says what the API server thinks of it."""

    def __init__(self, machine: Machine, place: Place, identities: Identities, is_ready: Callable[[str], bool]) -> None:
        self.name = place.name
        self._machine = machine
        self._place = place
        self._identities = identities
        self._is_ready = is_ready
        self.containerd = Program(machine, [find_containerd(), *CONTAINERD], self._takes_images)
        self.kubelet = Program(machine, self._kubelet_words(), lambda: True)

    def launch(self, images: list[Path], *, is_spare: bool = False) -> None:
        """Start what does not run; a disk that is new gets these images. Returns before it is ready."""
        is_new = not (self._disk / "lib").exists()
        if is_new:
            self._format(is_spare)
        self._place.network.add(self._place.network.node(self._place.index))
        make_cgroup(self._place.cgroup)
        self._machine.boot()
        self.containerd.start()
        for image in images if is_new else ():
            self.load_image(image)
        self.kubelet.launch()

    def start(self) -> None:
        """Start what does not run, and return when the node is ready. What it had on disk is still there."""
        self.launch([])
        wait_until(self.is_ready, f"{self.name} is ready", within=SECONDS_TO_JOIN, pause=0.1)

    def stop(self) -> None:
        """Stop its kubelet: the node is lost to the cluster, while its containers run on, unseen."""
        self.kubelet.stop()

    def cut_power(self) -> None:
        """Kill kubelet, containerd, shims and everything in containers, at one moment."""
        self._machine.kill()
        remove_cgroup(self._place.cgroup)

    def is_ready(self) -> bool:
        return self._is_ready(self.name)

    def wait_lost(self) -> None:
        """Return when the cluster has seen that it is silent."""
        wait_until(lambda: not self.is_ready(), f"{self.name} is lost", within=SECONDS_TO_LOSE, pause=0.1)

    def load_image(self, archive: Path) -> None:
        """Import what `docker save` or an OCI builder wrote."""
        # The machine's own /var/lib may hide where it is; what is open stays so.
        with archive.open("rb") as file:
            self._machine.run("ctr", "-n", "k8s.io", "images", "import", "--all-platforms", "-", stdin=file)

    def use_registry(self, address: str) -> None:
        """Let it pull from `host:port` by plain HTTP."""
        place = self._disk / "lib/containerd/certs.d" / address
        place.mkdir(parents=True, exist_ok=True)
        # Without a host of its own containerd 1.6 takes the whole file for invalid, and goes by TLS.
        host = f'[host."http://{address}"]\ncapabilities = ["pull", "resolve"]\n'
        (place / "hosts.toml").write_text(f'server = "http://{address}"\n{host}')

    @property
    def _disk(self) -> Path:
        return self._machine.directory / "disk"

    def _takes_images(self) -> bool:
        try:
            self._machine.run("ctr", "version")
        except RuntimeError:
            return False
        return True

    def _format(self, is_spare: bool) -> None:
        for name in ("lib/kubelet", "lib/containerd", "lib/cni/net.d", "log"):
            (self._disk / name).mkdir(parents=True)
        (self._disk / "lib/containerd/config.toml").write_text(
            CONTAINERD_CONFIG.format(snapshotter=choose_snapshotter(self._disk))
        )
        (self._disk / "lib/cni/net.d/10-bridge.conflist").write_text(json.dumps(self._describe_pod_network(), indent=2))
        (self._disk / "lib/kubelet/config.json").write_text(json.dumps(self._describe_kubelet(is_spare), indent=2))
        self._identities.write_kubeconfig(self._disk / "lib/kubelet/kubeconfig", f"system:node:{self.name}")

    def _kubelet_words(self) -> list[str]:
        return [
            "/run/bin/kubelet",
            "--config=/var/lib/kubelet/config.json",
            "--kubeconfig=/var/lib/kubelet/kubeconfig",
            f"--hostname-override={self.name}",
            f"--node-ip={self._place.address}",
        ]

    def _describe_pod_network(self) -> dict[str, object]:
        network, pods = self._place.network, self._place.network.pods(self._place.index)
        addresses = {
            "subnet": str(network.all),
            "rangeStart": str(pods[2]),
            "rangeEnd": str(pods[254]),
            "gateway": str(network.host),
        }
        # In /run, so that a power cut gives the addresses back.
        lending = {
            "type": "host-local",
            "dataDir": "/run/cni",
            "ranges": [[addresses]],
            "routes": [{"dst": "0.0.0.0/0"}],
        }
        bridge = {"type": "bridge", "bridge": network.bridge, "isGateway": False, "ipMasq": False, "ipam": lending}
        return {"cniVersion": "1.0.0", "name": network.bridge, "plugins": [bridge]}

    def _describe_kubelet(self, is_spare: bool) -> dict[str, object]:
        address = self._place.address
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": address,
            "healthzBindAddress": address,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "containerRuntimeEndpoint": f"unix://{SOCKET}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._place.cgroup}",
            "cgroupsPerQOS": True,
            "enforceNodeAllocatable": [],
            "failCgroupV1": False,
            "failSwapOn": False,
            # Lowering the score may be refused, as it is in many a sandbox.
            "oomScoreAdj": 0,
            # The host's firewall is not ours to change.
            "makeIPTablesUtilChains": False,
            # Nobody serves names there, so a look-up fails at once; without an address every pod gets a warning.
            "clusterDNS": [str(self._place.network.host)],
            "clusterDomain": "cluster.local",
            "nodeStatusUpdateFrequency": "3s",
            "nodeLeaseDurationSeconds": 12,
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            # No image is taken from a test, however full the host's disk is.
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "serializeImagePulls": False,
            # Two hundred dispatches at once, should one node be lost; it has 253 addresses for them.
            "maxPods": 220,
            "registerWithTaints": [{"key": SPARE, "effect": "NoSchedule"}] if is_spare else [],
        }


CONTAINERD = ["--config=/var/lib/containerd/config.toml"]
CONTAINERD_CONFIG = f"""version = 2
oom_score = 0
[plugins."io.containerd.internal.v1.opt"]
path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "{{snapshotter}}"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{PLUGINS}"
conf_dir = "/var/lib/cni/net.d"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "/var/lib/containerd/certs.d"
"""


def name_node(index: int) -> str:
    return f"node-{index + 1}"


def find_containerd() -> str:
    return str(find_program("containerd"))


def choose_snapshotter(directory: Path) -> str:
    """An overlay cannot lie on an overlay, as inside somebody's container."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    below = [(len(place), kind) for _, place, kind, *_ in mounts if directory.is_relative_to(place)]
    return "native" if max(below)[1] == "overlay" else "overlayfs"
