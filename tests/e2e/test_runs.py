"""Runs of tests on a cluster, seen from outside: what they share, what they leave, and on whose cluster they are."""

import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from tests.cluster.cluster import Cluster
from tests.cluster.leaks import find_leaks
from tests.cluster.machine import MARK
from tests.cluster.network import Network, list_bridges
from tests.cluster.plan import ROOT, Plan
from tests.cluster.suite import ROOT as CHECKOUT
from tests.cluster.suite import run_suite

SECONDS = 200
LEAVING = """
import subprocess
kept = []
def test_it(cluster):
    print(cluster.name, cluster.bridge)
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
def test_more(cluster):
    kept.append(cluster.namespace())
    kept[0].__enter__()
"""
FAILING = """
from tests.e2e.pods import finish_pod
def test_it(cluster, namespace): assert finish_pod(cluster, namespace, "exit 7").exit_code == 0
"""
KILLED = """
import os, pathlib, signal
def test_it(cluster):
    pathlib.Path("{}").write_text(cluster.name)
    os.kill(os.getpid(), signal.SIGKILL)
"""
GIVEN = """
def test_pod(cluster, namespace): assert cluster.core.list_namespaced_pod(namespace).items == []
def test_nodes(cluster): assert cluster.nodes
def test_node(node): pass
def test_api_server(cluster): cluster.api_server.restart()
def test_private(private_cluster): pass
def test_host(cluster): assert cluster.host_address
"""


def test_a_run_that_leaves_something_fails_and_names_it(tmp_path: Path) -> None:
    """A process of a test, and a namespace: the tests pass, the run does not, and the cluster itself is gone."""
    outcome = run_suite(tmp_path, LEAVING, SECONDS)
    assert outcome.code == 1
    assert "2 passed" in outcome.said
    assert re.search(r"^namespace test-\w+$", outcome.said, re.MULTILINE)
    leaked = re.search(r"^process (\d+): sleep 1000$", outcome.said, re.MULTILINE)
    assert leaked
    subprocess.run(["kill", leaked[1]], check=True)


def test_a_failure_comes_with_the_pods_and_events_of_its_namespace(cluster: Cluster, tmp_path: Path) -> None:
    """Whoever reads the report sees what became of the pods, though the namespace is gone."""
    outcome = run_suite(tmp_path, FAILING, SECONDS, **{MARK: cluster.name})
    assert outcome.code == 1
    assert re.search(r"^pod pod on node-[12]: Failed .*exit_code': 7", outcome.said, re.MULTILINE)
    assert re.search(r"^event .* Pod pod: Scheduled: Successfully assigned", outcome.said, re.MULTILINE)


def test_what_a_killed_run_left_is_swept_away(tmp_path: Path) -> None:
    """Machines, bridge, cgroups and files are gone after the next start or stop of whatever cluster."""
    file = tmp_path / "name"
    assert run_suite(tmp_path, KILLED.format(file), SECONDS).code < 0
    name = file.read_text()
    left = find_leaks(name, None)
    assert left
    bridge = Network(Plan.read(ROOT / name).number).bridge
    assert bridge in list_bridges()
    run_command("down", "--name", f"none-{uuid4().hex[:6]}")
    assert find_leaks(name, bridge) == []


def test_a_given_cluster_is_used_and_its_machines_are_not(cluster: Cluster, tmp_path: Path) -> None:
    """With a kubeconfig what goes through the API runs, and what needs processes is skipped, with the reason."""
    given = {"EIGHTBELLS_TEST_KUBECONFIG": str(cluster.kubeconfig)}
    outcome = run_suite(tmp_path, GIVEN, SECONDS, **given, EIGHTBELLS_TEST_LOAD_IMAGE=f"cp -t {tmp_path}")
    assert outcome.code == 0
    assert "1 passed, 5 skipped" in outcome.said
    assert (tmp_path / "busybox.tar").exists()
    assert "run it without EIGHTBELLS_TEST_KUBECONFIG" in outcome.said
    assert "set EIGHTBELLS_TEST_HOST_ADDRESS" in outcome.said
    outcome = run_suite(tmp_path, GIVEN, SECONDS, **given)
    assert "6 skipped" in outcome.said
    assert "set EIGHTBELLS_TEST_LOAD_IMAGE" in outcome.said


def test_the_command_line_starts_and_stops_a_cluster() -> None:
    """`up` prints what to say next, twice the same; `down` leaves nothing, twice."""
    name = f"command-{uuid4().hex[:6]}"
    try:
        printed = run_command("up", "--name", name, "--nodes", "1")
        assert printed == f"export KUBECONFIG={ROOT / name / 'kubeconfig'}\n"
        cluster = Cluster(name)
        bridge = cluster.bridge
        assert [node.is_ready() for node in cluster.nodes] == [True]
        assert run_command("up", "--name", name) == printed
        assert [node.name for node in cluster.nodes] == ["node-1"]
        cluster.close()
    finally:
        run_command("down", "--name", name)
    assert find_leaks(name, bridge) == []
    run_command("down", "--name", name)


def run_command(*words: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.cluster", *words], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
