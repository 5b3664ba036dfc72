"""The official client's objects, page by page, as its documentation shows it."""

from typing import Any

from kubernetes import client, config


def read(kubeconfig: str) -> list[Any]:
    """Return the pods."""
    config.load_kube_config(kubeconfig)  # type: ignore[no-untyped-call]
    core, pods, more = client.CoreV1Api(), [], None
    while True:
        page: Any = core.list_pod_for_all_namespaces(limit=500, _continue=more)
        pods += page.items
        more = page.metadata._continue  # noqa: SLF001  # that is its name
        if not more:
            return pods
