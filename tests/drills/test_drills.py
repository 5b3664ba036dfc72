"""Of every fault that can be caused on a cluster a consumer is told once, and by its own code."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.drills.drill import FORMS, Form, Group
from tests.drills.ground import open_ground
from tests.drills.table import GROUPS

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster
    from tests.e2e.images import Images

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
def test_each_fault_has_its_ending(
    cluster: "Cluster", images: "Images", tmp_path: Path, group: Group, form: Form
) -> None:
    """Those of a group, side by side; `make drills` also causes those that take minutes, or harm a node."""
    drills = [one for one in group.drills if one.expected(form) and not one.is_slow]
    with open_ground(cluster, images, tmp_path, drills, form) as (ground, cases):
        outcomes = ground.run(cases)
    assert {one.drill.name: one.problems for one in outcomes if one.problems} == {}
