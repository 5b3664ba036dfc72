"""Every test in here needs a cluster, and time: it is run by `make e2e` and not by `make test`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster
    from tests.e2e.images import Images
    from tests.e2e.site import Site

HERE = Path(__file__).parent
SECONDS = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("e2e")
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def images(cluster: "Cluster", tmp_path_factory: pytest.TempPathFactory) -> "Images":
    """The images of this checkout, on every node."""
    from tests.e2e.images import provide_images

    ours = tmp_path_factory.getbasetemp()
    return provide_images(cluster, ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours)


@pytest.fixture
def site(cluster: "Cluster", namespace: str, images: "Images") -> Iterator["Site"]:
    """A namespace, a bus and a dispatcher that are this test's own."""
    from tests.e2e.site import open_site

    with open_site(cluster, namespace, images) as site:
        yield site
