"""What the drills share with the tests of the whole path."""

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster
    from tests.e2e.images import Images


@pytest.fixture(scope="session")
def images(cluster: "Cluster", tmp_path_factory: pytest.TempPathFactory) -> "Images":
    """The images of this checkout, on every node."""
    from tests.drills.given import given_images
    from tests.e2e.images import provide_images

    if given := given_images():
        return given
    ours = tmp_path_factory.getbasetemp()
    return provide_images(cluster, ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours)
