"""A cluster that somebody else runs: of it we have a kubeconfig, and no more. What needs its machines is skipped."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, Self

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.images import write_busybox
from tests.cluster.node import Node
from tests.cluster.plan import Plan
from tests.cluster.processes import Process
from tests.cluster.sources import HOST_ADDRESS, KUBECONFIG, LOAD_IMAGE


class GivenCluster(Cluster):
    def __init__(self, name: str, kubeconfig: Path) -> None:
        super().__init__(name)
        self.kubeconfig = kubeconfig

    @property
    def host_address(self) -> str:
        return os.environ.get(HOST_ADDRESS) or skip(
            f"set {HOST_ADDRESS} to where pods of the cluster reach this machine"
        )

    @property
    def plan(self) -> Plan:
        skip(f"it needs the processes of its machines: run it without {KUBECONFIG}")

    @contextmanager
    def spare_node(self) -> Iterator[Node]:
        yield skip("it needs a node to do harm to")

    @property
    def bridge(self) -> str | None:
        return None

    def start(self, nodes: int = 2, owner: Process | None = None) -> Self:
        """It runs, whatever was asked; it gets the image that tests need as much as a cluster."""
        with tempfile.TemporaryDirectory(prefix="eightbells-") as directory:
            try:
                write_busybox(Path(directory) / "busybox.tar")
            except FileNotFoundError as error:
                skip(str(error))
            self.load_image(Path(directory) / "busybox.tar")
        return self

    def stop(self) -> None:
        self.close()

    def load_image(self, archive: Path) -> None:
        """By the command that its owner names, for example `kind load image-archive`."""
        command = os.environ.get(LOAD_IMAGE) or skip(f"set {LOAD_IMAGE} to a command that loads an image's archive")
        subprocess.run([*shlex.split(command), str(archive)], check=True)

    def use_registry(self, address: str) -> None:
        skip(f"it needs the nodes' settings for registry {address}: run it without {KUBECONFIG}")


def skip(reason: str) -> NoReturn:
    pytest.skip(f"the cluster is not ours: {reason}")
