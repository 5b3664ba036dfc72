"""The page of the drills says what there is, and the table can be told apart."""

from eightbells.events.schema import Data

from tests.drills.drill import Ending
from tests.drills.page import PAGE
from tests.drills.table import GROUPS, NOT_DONE


def test_every_drill_is_on_the_page() -> None:
    """In the order of the table, or in the list of what is not done; and nothing else is."""
    lines = PAGE.read_text().splitlines()
    rows = [line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("| ")]
    listed = [line.removeprefix("- ").partition(": ") for line in lines if line.startswith("- ")]
    left = [what for what, _, why in listed if why.startswith("there is a drill")]
    done = [drill.done for group in GROUPS for drill in group.drills if drill.done not in left]
    assert [row for row in rows if row != "what is done"] == done
    assert [(what, why) for what, _, why in listed if what not in left] == list(NOT_DONE)
    assert set(left) <= {drill.done for group in GROUPS for drill in group.drills}


def test_names_are_unique() -> None:
    """A drill is asked for by its name."""
    names = [drill.name for group in GROUPS for drill in group.drills]
    assert len(names) == len(set(names))


def test_an_ending_that_differs_is_told() -> None:
    """Code, fault, charge and what else is expected; what is not asked may be anything."""
    data = Data("x", "failed", "reconciler", code="drained", fault="infra", charged=False, exit_code=143)
    assert Ending("drained").differences(data) == []
    assert Ending("drained", exit_code=143, charged=False).differences(data) == []
    assert Ending("drained", charged=True).differences(data) == ["charged is False"]
    assert Ending("pod_deleted", exit_code=3).differences(data) == ["code is drained", "exit_code is 143"]
    assert Ending("drained", warning="pod_still_running").differences(data) == ["no warning pod_still_running, but ()"]
