"""The seconds after which Kubernetes stops a Job."""

from typing import Any

import pytest
from eightbells.dispatcher.deadline import active_deadline, backoffs

from tests.dispatcher.building import SETTINGS, dispatch, template


def deadline(**said: Any) -> int:
    return active_deadline(dispatch(**said), SETTINGS)


def test_there_is_time_for_everything() -> None:
    """Waiting for a node, then timeout, grace and reserve of every run, the pauses between, and half a minute."""
    assert deadline(timeout=60, grace=10) == 1200 + (60 + 10 + 2) + 30
    assert deadline(timeout=60, grace=10, start_timeout=5, retries=2) == 5 + 3 * 72 + (10 + 20) + 30


def test_parts_of_a_second_are_rounded_up() -> None:
    """The deadline is never before the wrapper's own."""
    assert deadline(timeout=0.5, grace=0, start_timeout=1) == 1 + 3 + 30


def test_no_timeout_is_a_day() -> None:
    """What hangs without a timeout ends after a day."""
    assert deadline() == 24 * 60 * 60


@pytest.mark.parametrize(("retries", "seconds"), [(0, 0), (1, 10), (2, 30), (6, 630), (7, 1230), (8, 1830)])
def test_pauses_double_up_to_ten_minutes(retries: int, seconds: int) -> None:
    """As the Job controller makes them."""
    assert backoffs(retries) == seconds


def test_indexes_wait_for_one_another() -> None:
    """Ten pods, four at a time, take three times as long as one."""
    spec = {"completions": 10, "parallelism": 4, "completionMode": "Indexed"}
    assert deadline(timeout=100, grace=8, template=template(job=spec)) == 1200 + 3 * 110 + 30
