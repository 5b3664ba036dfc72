"""Fixtures for tests that need a cluster: `cluster` for the run, `namespace` and more for a test.

Nothing dear is imported, and nothing started, before a test asks: most runs have none that does.
"""

import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.cluster.run import begin_run, had_cluster
from tests.cluster.sources import reason_against

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster
    from tests.cluster.node import Node

OURS = pytest.StashKey[str]()
LEAKS = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    if name := begin_run():
        config.stash[OURS] = name


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Here and not in the fixture, so that pytest sums them up in one line."""
    if "cluster" not in getattr(item, "fixturenames", ()):
        return
    reason = reason_against()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"no cluster: {reason}", pytrace=False)
    if reason:
        pytest.skip(f"no cluster: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure, what the cluster knows about the test's namespace."""
    report = yield
    given = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed and "namespace" in given and "cluster" in given:
        from tests.cluster.diagnosis import diagnose

        report.sections.append(("namespace", diagnose(given["cluster"], given["namespace"])))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """When the workers are gone, the process that began the run ends its cluster."""
    name = session.config.stash.get(OURS, None)
    if name and had_cluster(name):
        from tests.cluster.shared import end_cluster

        session.config.stash[LEAKS] = end_cluster(name)
        if session.config.stash[LEAKS]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if leaks := config.stash.get(LEAKS, []):
        terminalreporter.section("left behind by the cluster, or by a test that used it", red=True)
        for leak in leaks:
            terminalreporter.line(leak)


@pytest.fixture(scope="session")
def cluster() -> Iterator["Cluster"]:
    """The run's cluster of two nodes; nobody may do it harm, because others use it at the same time."""
    from tests.cluster.shared import join_cluster

    cluster = join_cluster()
    yield cluster
    cluster.close()


@pytest.fixture
def namespace(cluster: "Cluster") -> Iterator[str]:
    """A namespace that is this test's own."""
    with cluster.namespace() as name:
        yield name


@pytest.fixture
def node(cluster: "Cluster") -> Iterator["Node"]:
    """A node that is this test's own, to do it harm; see `Cluster.spare_node` for how a pod gets there."""
    with cluster.spare_node() as node:
        yield node


@pytest.fixture
def private_cluster(cluster: "Cluster") -> Iterator["Cluster"]:
    """A cluster of one node that is this test's own, to do its control plane harm."""
    from tests.cluster.shared import private_cluster

    cluster.network  # noqa: B018  # skips the test where the cluster is not ours

    with private_cluster() as own:
        yield own
