"""lightkube: `Client.watch` of its Pod."""

# In the environment of `make bench` only.
from lightkube import Client, KubeConfig  # type: ignore[import-not-found]
from lightkube.resources.core_v1 import Pod  # type: ignore[import-not-found]

from bench.laps import Laps


def watch(kubeconfig: str, laps: Laps) -> None:
    """Take in every event."""
    client = Client(config=KubeConfig.from_file(kubeconfig))
    for _ in client.watch(Pod, namespace="*", labels={"eightbells.io/dispatch": None}, resource_version="1"):
        if laps.add():
            return
