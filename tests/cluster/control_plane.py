"""The control plane: etcd, API server, controllers and scheduler, as the programs of one machine."""

import base64
import json
import ssl
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.cluster.identities import ADMIN, SCHEDULER, Identities
from tests.cluster.machine import Machine
from tests.cluster.network import Network
from tests.cluster.program import Program

SECONDS_TO_ANSWER = 5
REFUSED = (URLError, OSError)


class ControlPlane:
    def __init__(self, machine: Machine, binaries: Path, network: Network, identities: Identities) -> None:
        self._machine = machine
        self._binaries = binaries
        self._network = network
        self._identities = identities
        self._store = f"http://{network.store}:2379"
        self.etcd = Program(machine, self._etcd_words(), self._stores)
        self.api_server = Program(machine, self._api_server_words(), self.is_ready)
        self.controllers = Program(machine, self._controllers_words(), lambda: True)
        self.scheduler = Program(machine, self._scheduler_words(), lambda: True)

    def start(self) -> None:
        """Start what does not run, and return when the API server answers."""
        self._machine.boot()
        self._write_kubeconfigs()
        for program in (self.etcd, self.api_server):
            program.start()
        for program in (self.controllers, self.scheduler):
            program.launch()

    def is_ready(self) -> bool:
        """Whether the API server says so of itself."""
        trust = ssl.create_default_context(cafile=str(self._identities.authority))
        asked = Request(
            f"https://{self._network.api}/readyz",
            headers={"Authorization": f"Bearer {self._identities.token(ADMIN)}"},
        )
        try:
            with urlopen(asked, timeout=SECONDS_TO_ANSWER, context=trust) as answer:
                return bool(answer.status == 200)
        except REFUSED:
            return False

    def compact(self) -> int:
        """Let etcd forget everything but the newest state; return the revision that is now the oldest."""
        revision = int(self._ask_store("kv/range", {"key": encode("any")})["header"]["revision"])
        # API servers forget with etcd, and learn of it by this key; it is what their own compaction writes.
        self._ask_store("kv/put", {"key": encode("compact_rev_key"), "value": encode(str(revision))})
        self._ask_store("kv/compaction", {"revision": revision, "physical": True})
        return revision

    def _stores(self) -> bool:
        try:
            with urlopen(f"{self._store}/readyz", timeout=SECONDS_TO_ANSWER) as answer:
                return bool(answer.status == 200)
        except REFUSED:
            return False

    def _ask_store(self, what: str, asked: dict[str, object]) -> dict[str, dict[str, str]]:
        request = Request(f"{self._store}/v3/{what}", data=json.dumps(asked).encode(), method="POST")
        with urlopen(request, timeout=SECONDS_TO_ANSWER) as answer:
            found: dict[str, dict[str, str]] = json.load(answer)
            return found

    def _write_kubeconfigs(self) -> None:
        for program, name in (("controllers", ADMIN), ("scheduler", SCHEDULER)):
            self._identities.write_kubeconfig(self._kubeconfig(program), name)

    def _kubeconfig(self, program: str) -> Path:
        return self._machine.directory / f"{program}.kubeconfig"

    def _etcd_words(self) -> list[str]:
        peers = f"http://{self._network.store}:2380"
        return [
            str(self._binaries / "etcd"),
            f"--data-dir={self._machine.directory / 'etcd'}",
            f"--listen-client-urls={self._store}",
            f"--advertise-client-urls={self._store}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            # Nobody needs what it holds after the machine has gone down.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _api_server_words(self) -> list[str]:
        certificate, key = self._identities.server
        accounts, signing = self._identities.accounts
        return [
            str(self._binaries / "kube-apiserver"),
            f"--etcd-servers={self._store}",
            f"--bind-address={self._network.api}",
            f"--advertise-address={self._network.api}",
            "--secure-port=443",
            f"--service-cluster-ip-range={self._network.services}",
            f"--cert-dir={self._machine.directory / 'certificates'}",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={self._identities.authority}",
            f"--token-auth-file={self._identities.tokens}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--kubelet-preferred-address-types=InternalIP",
            # Without it, a stop waits a minute for watches that nobody ends.
            "--shutdown-watch-termination-grace-period=2s",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={accounts}",
            f"--service-account-signing-key-file={signing}",
        ]

    def _controllers_words(self) -> list[str]:
        return [
            str(self._binaries / "kube-controller-manager"),
            f"--kubeconfig={self._kubeconfig('controllers')}",
            f"--authentication-kubeconfig={self._kubeconfig('controllers')}",
            f"--authorization-kubeconfig={self._kubeconfig('controllers')}",
            f"--service-account-private-key-file={self._identities.accounts[1]}",
            f"--root-ca-file={self._identities.authority}",
            "--use-service-account-credentials=false",
            "--leader-elect=false",
            "--secure-port=0",
            # A lost node is seen within seconds; by default it takes most of a minute.
            "--node-monitor-grace-period=12s",
            "--node-monitor-period=2s",
            # Two hundred Jobs at once are a test; by default they would be created at twenty a second.
            "--kube-api-qps=100",
            "--kube-api-burst=200",
        ]

    def _scheduler_words(self) -> list[str]:
        return [
            str(self._binaries / "kube-scheduler"),
            f"--kubeconfig={self._kubeconfig('scheduler')}",
            f"--authentication-kubeconfig={self._kubeconfig('scheduler')}",
            f"--authorization-kubeconfig={self._kubeconfig('scheduler')}",
            "--leader-elect=false",
            "--secure-port=0",
        ]


def encode(text: str) -> str:
    """Keys and values, as etcd's JSON has them."""
    return base64.b64encode(text.encode()).decode()
