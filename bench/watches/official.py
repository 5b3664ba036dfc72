"""`kubernetes.watch.Watch`, as its documentation shows it."""

from kubernetes import client, config
from kubernetes.watch import Watch

from bench.laps import Laps


def watch(kubeconfig: str, laps: Laps) -> None:
    """Take in every event."""
    config.load_kube_config(kubeconfig)  # type: ignore[no-untyped-call]
    stream, pods = Watch(), client.CoreV1Api().list_pod_for_all_namespaces  # type: ignore[no-untyped-call]
    for _ in stream.stream(pods, label_selector="eightbells.io/dispatch", resource_version="1"):  # type: ignore[no-untyped-call]
        if laps.add():
            return
