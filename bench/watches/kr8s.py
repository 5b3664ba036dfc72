"""kr8s: `watch` of pods, by its synchronous face."""

# In the environment of `make bench` only.
import kr8s  # type: ignore[import-not-found]
from kr8s.objects import Pod  # type: ignore[import-not-found]

from bench.laps import Laps


def watch(kubeconfig: str, laps: Laps) -> None:
    """Take in every event."""
    api = kr8s.api(kubeconfig=kubeconfig)
    for _ in api.watch(Pod, namespace=kr8s.ALL, since="1"):
        if laps.add():
            return
