"""k3s in a container, for machines on which a cluster of our own cannot be had and a Docker engine can pull it."""

import os
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Self

import docker  # type: ignore[import-untyped]
from docker.errors import NotFound  # type: ignore[import-untyped]
from testcontainers.community.k3s import K3SContainer

from tests.cluster.given import GivenCluster
from tests.cluster.k3s_image import IMAGE
from tests.cluster.locks import locked
from tests.cluster.plan import ROOT
from tests.cluster.processes import Process


class K3s(GivenCluster):
    """One container of the cluster's name, found by it from every process of a run."""

    @property
    def host_address(self) -> str:
        with closing(docker.from_env()) as engine:
            networks = engine.containers.get(self.name).attrs["NetworkSettings"]["Networks"]
            return str(next(iter(networks.values()))["Gateway"])

    def start(self, nodes: int = 1, owner: Process | None = None) -> Self:
        """Start it, unless it runs; it has one node, whatever was asked."""
        # Ours are removed by us; the helper that would do it has an image of its own to pull.
        os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
        with locked(ROOT.parent):
            if not self.kubeconfig.exists():
                self._run_container()
        return super().start(nodes, owner)

    def _run_container(self) -> None:
        container = K3SContainer(IMAGE).with_name(self.name)
        try:
            container.start()
            self.kubeconfig.touch(0o600)
            self.kubeconfig.write_text(container.config_yaml())
        except BaseException:
            container.stop()
            raise

    def stop(self) -> None:
        self.close()
        self.kubeconfig.unlink(missing_ok=True)
        with closing(docker.from_env()) as engine:
            try:
                engine.containers.get(self.name).remove(force=True, v=True)
            except NotFound:
                return

    def load_image(self, archive: Path) -> None:
        words = ("docker", "exec", "-i", self.name, "ctr", "-n", "k8s.io", "images", "import", "--all-platforms", "-")
        with archive.open("rb") as file:
            subprocess.run(words, stdin=file, check=True, capture_output=True)
