"""What a test that failed would like to know: how the pods of its namespace are, and what happened to them."""

from collections.abc import Iterator

from kubernetes import client
from urllib3.exceptions import HTTPError

from tests.cluster.access import Access


def diagnose(cluster: Access, namespace: str) -> str:
    """The pods and events of a namespace, a line each; or why there are none to be had."""
    try:
        return "\n".join([*_describe_pods(cluster, namespace), *_describe_events(cluster, namespace)])
    except (client.ApiException, HTTPError) as error:
        return f"the API server does not say: {error}"


def _describe_pods(cluster: Access, namespace: str) -> Iterator[str]:
    for pod in cluster.core.list_namespaced_pod(namespace).items:
        if pod.metadata and pod.spec and pod.status:
            states = [each.state.to_dict() for each in pod.status.container_statuses or [] if each.state]
            reason = pod.status.reason or ""
            yield f"pod {pod.metadata.name} on {pod.spec.node_name}: {pod.status.phase} {reason} {states}"


def _describe_events(cluster: Access, namespace: str) -> Iterator[str]:
    for event in cluster.core.list_namespaced_event(namespace).items:
        about = event.involved_object
        yield f"event {event.last_timestamp} {about.kind} {about.name}: {event.reason}: {event.message}"
