"""The cluster under the tests: what they rest on is seen to be so."""

import socket
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import urllib3
from kubernetes import client, watch

from tests.cluster.access import Access, connect
from tests.cluster.cgroups import find_cgroups
from tests.cluster.cluster import Cluster
from tests.cluster.images import find_program, write_image
from tests.cluster.node import Node
from tests.e2e.pods import SECONDS, finish_pod, read_end, read_output, start_pod, wait_for_pod
from tests.waiting import wait_until

FOREVER = "exec sleep 86400"
ON_A_SPARE_NODE: dict[str, Any] = {"tolerations": [{"operator": "Exists"}]}


def is_pod_running(cluster: Cluster, namespace: str) -> bool:
    status = cluster.core.read_namespaced_pod("pod", namespace).status
    return bool(status and status.container_statuses and status.container_statuses[0].ready)


def test_a_pod_runs_to_its_end(cluster: Cluster, namespace: str) -> None:
    """A real kubelet starts a real process, and its output and exit code are there to read."""
    ended = finish_pod(cluster, namespace, "echo hello; exit 7")
    assert ended.exit_code == 7
    assert read_output(cluster, namespace) == "hello\n"


def test_pods_run_on_every_node(cluster: Cluster, namespace: str) -> None:
    """There are two nodes, and each takes pods and has addresses of its own for them."""
    nodes = [node.name for node in cluster.nodes[:2]]
    for name in nodes:
        start_pod(cluster, namespace, "ip address show eth0", name, nodeName=name)
    seen = [wait_for_pod(cluster, namespace, "Succeeded", name=name) for name in nodes]
    addresses = {pod.status.pod_ip for pod in seen if pod.status}
    assert len(addresses) == 2
    assert all(any(str(address) in read_output(cluster, namespace, name) for address in addresses) for name in nodes)


def test_starting_what_runs_changes_nothing(cluster: Cluster) -> None:
    """A second start returns with the same machines and the same programs."""
    machines = [cluster.directory / name / "init" for name in ("control-plane", "node-1", "node-2")]
    before = [file.read_text() for file in machines]
    again = Cluster(cluster.name).start()
    assert [file.read_text() for file in machines] == before
    assert again.host_address == cluster.host_address
    again.close()


def test_a_pod_reaches_a_server_on_the_host(cluster: Cluster, namespace: str) -> None:
    """At `host_address`, on whatever port it listens."""
    with socket.create_server((cluster.host_address, 0)) as server:
        port = server.getsockname()[1]
        answering = Thread(target=answer_once, args=(server, b"hello"))
        answering.start()
        ended = finish_pod(cluster, namespace, f"nc {cluster.host_address} {port} </dev/null")
        answering.join()
    assert ended.exit_code == 0
    assert read_output(cluster, namespace) == "hello"


def answer_once(server: socket.socket, what: bytes) -> None:
    server.settimeout(SECONDS)
    connection, _ = server.accept()
    with connection:
        connection.sendall(what)


def test_a_pod_reaches_the_api_server_by_its_own_variables(cluster: Cluster, namespace: str) -> None:
    """As a client inside a pod is configured: the service's address and port, and a token in its volume."""
    script = """
    test -s /var/run/secrets/kubernetes.io/serviceaccount/token || exit 2
    nc -w 5 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT </dev/null
    """
    assert finish_pod(cluster, namespace, script).exit_code == 0


def test_the_kernel_kills_one_process_over_its_memory_limit(cluster: Cluster, namespace: str) -> None:
    """Under cgroup v1 the container's first process lives on; under v2 the container ends. Either way it is 137."""
    script = "tail /dev/zero; echo child ended with $?; exit 0"
    ended = finish_pod(cluster, namespace, script, resources={"limits": {"memory": "32Mi"}})
    assert ended.exit_code == 137 or "child ended with 137\n" in read_output(cluster, namespace)


def test_a_namespace_has_its_labels_and_is_deleted(cluster: Cluster) -> None:
    """PodSecurity reads them; and a test that waits finds it gone, with all that was in it."""
    with cluster.namespace({"pod-security.kubernetes.io/enforce": "restricted"}, waits=True) as name:
        with pytest.raises(Exception, match="violates PodSecurity"):
            start_pod(cluster, name, "true")
        with cluster.namespace() as other:
            assert other != name
    with pytest.raises(client.ApiException) as refused:
        cluster.core.read_namespace(name)
    assert refused.value.status == 404


def test_a_service_accounts_token_has_its_rights_and_no_more(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """What its Role grants is done, and all else is refused by the API server."""
    cluster.core.create_namespaced_service_account(namespace, {"metadata": {"name": "reader"}})  # type: ignore[arg-type]
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader"},
        "rules": rules,
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
    }
    cluster.create(role, namespace)
    cluster.create(binding, namespace)
    token = cluster.mint_token(namespace, "reader")
    with closing(Access(cluster.write_kubeconfig(tmp_path / "kubeconfig", token), "test")) as reader:
        wait_until(lambda: is_allowed(lambda: reader.core.list_namespaced_pod(namespace)), "the role has arrived")
        assert not is_allowed(lambda: reader.core.list_namespaced_secret(namespace))
        assert not is_allowed(lambda: reader.core.list_namespaced_pod("kube-system"))


def is_allowed(call: Callable[[], object]) -> bool:
    refusal = find_refusal(call)
    assert refusal in (None, 403)
    return refusal is None


def test_a_finished_job_is_collected_when_its_time_is_over(cluster: Cluster, namespace: str) -> None:
    """The controllers run, the one for `ttlSecondsAfterFinished` among them."""
    container = {"name": "main", "image": "eightbells.test/busybox:1", "command": ["true"]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    spec = {"template": template, "ttlSecondsAfterFinished": 1}
    cluster.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": spec}, namespace)
    wait_until(
        lambda: cluster.batch.list_namespaced_job(namespace).items == [], "the job is gone", within=SECONDS, pause=0.1
    )


def test_an_image_is_on_every_node_and_on_those_to_come(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """What is loaded once can be run everywhere, without a registry."""
    name = f"eightbells.test/{uuid.uuid4().hex}:1"
    write_image(tmp_path / "image.tar", name, {"bin/busybox": find_program("busybox")}, {}, ["/bin/busybox", "true"])
    cluster.load_image(tmp_path / "image.tar")
    with cluster.spare_node() as node:
        for place in [each.name for each in cluster.nodes[:2]] + [node.name]:
            container = {"name": "main", "image": name, "imagePullPolicy": "Never"}
            spec = {"nodeName": place, "restartPolicy": "Never", "containers": [container]}
            cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": place}, "spec": spec}, namespace)
            assert read_end(wait_for_pod(cluster, namespace, "Succeeded", "Failed", name=place)).exit_code == 0


def test_a_lost_node_comes_back_with_what_runs_on_it(cluster: Cluster, node: Node, namespace: str) -> None:
    """Without its kubelet a node is NotReady; its containers run on, and are the same when it is back."""
    start_pod(cluster, namespace, FOREVER, nodeName=node.name, **ON_A_SPARE_NODE)
    wait_until(lambda: is_pod_running(cluster, namespace), "the pod runs", within=SECONDS, pause=0.1)
    before = list_containers(cluster, namespace)
    node.stop()
    node.wait_lost()
    node.start()
    wait_until(lambda: is_pod_running(cluster, namespace), "the pod is seen to run", within=SECONDS, pause=0.1)
    assert list_containers(cluster, namespace) == before


def list_containers(cluster: Cluster, namespace: str) -> list[tuple[str | None, int]]:
    status = cluster.core.read_namespaced_pod("pod", namespace).status
    assert status
    return [(each.container_id, each.restart_count) for each in status.container_statuses or []]


def test_a_power_cut_kills_everything_on_a_node(cluster: Cluster, node: Node, namespace: str) -> None:
    """Nothing of the node is left, containers included; with power again it is another boot, and the pod has failed."""
    start_pod(cluster, namespace, FOREVER, nodeName=node.name, **ON_A_SPARE_NODE)
    wait_until(lambda: is_pod_running(cluster, namespace), "the pod runs", within=SECONDS, pause=0.1)
    boot = read_boot(cluster, node)
    assert find_cgroups(f"{cluster.bridge}/{node.name}/kubepods")
    node.cut_power()
    assert not node.kubelet.is_running()
    assert not find_cgroups(f"{cluster.bridge}/{node.name}")
    node.wait_lost()
    node.start()
    assert read_end(wait_for_pod(cluster, namespace, "Failed")).exit_code != 0
    wait_until(lambda: read_boot(cluster, node) != boot, "the node says that it has booted", within=SECONDS, pause=0.1)


def read_boot(cluster: Cluster, node: Node) -> str:
    status = cluster.core.read_node(node.name).status
    assert status
    assert status.node_info
    return str(status.node_info.boot_id)


def test_an_api_server_restart_ends_watches_and_heals(private_cluster: Cluster) -> None:
    """Who was watching learns of it; afterwards pods start as before."""
    with private_cluster.namespace() as namespace, closing(connect(private_cluster.kubeconfig)) as connection:
        watching = Thread(target=watch_pods, args=(connection, namespace))
        watching.start()
        private_cluster.api_server.restart()
        watching.join(SECONDS)
        assert not watching.is_alive()
        assert finish_pod(private_cluster, namespace, "exit 3").exit_code == 3


def watch_pods(connection: client.ApiClient, namespace: str) -> None:
    """Return when the watch is over, in whatever way the server ends it."""
    answer = client.CoreV1Api(connection).list_namespaced_pod(namespace, watch=True, _preload_content=False)
    with suppress(urllib3.exceptions.HTTPError):
        for _ in answer:
            pass


def test_compaction_makes_the_past_too_old(private_cluster: Cluster) -> None:
    """A list at a revision from before is `410 Gone`, as after etcd's own compaction."""
    core = private_cluster.core
    version = read_version(private_cluster)
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name="later")))
    exact: dict[str, Any] = {"resource_version": version, "resource_version_match": "Exact", "limit": 1}
    assert core.list_namespace(**exact).items
    private_cluster.compact()
    assert wait_until(lambda: find_refusal(lambda: core.list_namespace(**exact)), "it is refused") == 410


def read_version(cluster: Cluster) -> str:
    """The revision that etcd is at."""
    metadata = cluster.core.list_namespace().metadata
    assert metadata
    assert metadata.resource_version
    return metadata.resource_version


def find_refusal(call: Callable[[], object]) -> int | None:
    try:
        call()
    except client.ApiException as error:
        return int(error.status or 0)
    return None


def test_a_watch_from_before_a_compaction_and_a_restart_is_410(private_cluster: Cluster) -> None:
    """The API server's own memory of the past is gone with its process, and etcd's with the compaction."""
    version = read_version(private_cluster)
    with private_cluster.namespace():
        private_cluster.compact()
        private_cluster.api_server.restart()
        with pytest.raises(client.ApiException) as refused:
            for _ in watch.Watch().stream(  # type: ignore[no-untyped-call]
                private_cluster.core.list_namespace, resource_version=version, timeout_seconds=60
            ):
                pass
    assert refused.value.status == 410
