"""Every test in here needs a cluster, and time: it is run by `make e2e` and not by `make test`."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
SECONDS = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("e2e")
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(SECONDS))
