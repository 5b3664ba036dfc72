"""The API server's time: from whole seconds, and whatever this machine's clock does."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from eightbells.reconciler.informer.clock import ClusterClock

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Machine:
    """A machine whose two clocks a test sets, and a server whose clock is ahead of it."""

    def __init__(self, ahead: float) -> None:
        self.monotonic = 50.0
        self.wall = NOON.timestamp()
        self.ahead = ahead
        self.clock = ClusterClock(lambda: self.monotonic, lambda: self.wall)

    def pass_by(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    def ask(self, seconds: float = 0.01) -> None:
        """One request, whose answer is dated halfway."""
        asked = self.monotonic
        self.pass_by(seconds / 2)
        dated = format_datetime(datetime.fromtimestamp(int(self.wall + self.ahead), UTC), usegmt=True)
        self.pass_by(seconds / 2)
        self.clock.observe(dated, asked, self.monotonic)

    def error(self) -> float:
        return abs((self.clock.now() - datetime.fromtimestamp(self.wall + self.ahead, UTC)).total_seconds())


def test_before_any_answer_it_is_this_machines_time() -> None:
    """There is nothing better."""
    assert Machine(ahead=10).clock.now() == NOON


@pytest.mark.parametrize("ahead", [0.0, 0.4, -0.4, 3.3, -7200.25])
def test_one_answer_sets_it_to_a_second_and_more_to_less(ahead: float) -> None:
    """A Date is cut to whole seconds; where the second turns over, it says more."""
    machine = Machine(ahead)
    machine.ask()
    assert machine.error() <= 1.01
    for _ in range(40):
        machine.pass_by(0.93)
        machine.ask()

    assert machine.error() <= 0.1
    assert machine.clock.offset == pytest.approx(ahead, abs=0.1)


def test_a_step_of_this_machines_clock_changes_nothing() -> None:
    """Only the monotonic clock counts the time."""
    machine = Machine(ahead=0)
    machine.ask()
    before = machine.clock.now()

    machine.wall += 3600
    machine.monotonic += 1

    assert machine.clock.now() - before == timedelta(seconds=1)


def test_a_step_of_the_servers_clock_is_followed() -> None:
    """An answer that contradicts what was known is newer."""
    machine = Machine(ahead=0)
    machine.ask()
    machine.ahead = 90
    machine.pass_by(5)
    machine.ask()

    assert machine.error() <= 1.01


@pytest.mark.parametrize("date", [None, "", "yesterday", "Wed, 99 Nov 2026 12:00:00 GMT"])
def test_a_date_that_is_none_is_ignored(date: str | None) -> None:
    """Proxies may leave it out."""
    machine = Machine(ahead=0)

    machine.clock.observe(date, 50, 51)

    assert machine.clock.now() == NOON
