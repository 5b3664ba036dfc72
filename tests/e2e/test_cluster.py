"""The cluster under the tests: what they rest on is seen to be so."""

from tests.cluster.cluster import Cluster
from tests.e2e.pods import finish_pod, read_output


def test_a_pod_runs_to_its_end(cluster: Cluster, namespace: str) -> None:
    """A real kubelet starts a real process, and its output and exit code are there to read."""
    ended = finish_pod(cluster, namespace, "echo hello; exit 7")
    assert ended.exit_code == 7
    assert read_output(cluster, namespace) == "hello\n"
