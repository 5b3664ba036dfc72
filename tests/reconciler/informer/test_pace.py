"""How long is waited before the API is asked again."""

import threading

import pytest
from eightbells.reconciler.informer.errors import ClusterError, Forbidden, Unavailable
from eightbells.reconciler.informer.pace import LONGEST_WAIT, Pace, Timings

TIMINGS = Timings(gap=1.0, ceiling=30.0)


def delays(*errors: ClusterError | None) -> list[float]:
    """What is waited after each of these failures, one behind the other."""
    pace, found = Pace(TIMINGS, threading.Event()), []
    for error in errors:
        pace.failed(error)
        found.append(pace._delay)
    return found


def test_failures_are_waited_for_ever_longer_and_never_too_long() -> None:
    """Somewhere between a gap and twice as much as after the last; so that not all come back at once."""
    rounds = [delays(*[None] * 12) for _ in range(40)]

    for number, column in enumerate(zip(*rounds, strict=True), 1):
        top = min(TIMINGS.ceiling, 2.0**number)
        assert TIMINGS.gap <= min(column) < max(column) <= top
        assert max(column) > top / 2
    assert len({row[-1] for row in rounds}) == len(rounds)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Forbidden("no"), TIMINGS.ceiling),
        (Unavailable("busy", 7.0), 7.0),
        (Unavailable("busy", 86400.0), LONGEST_WAIT),
    ],
)
def test_what_will_not_change_soon_is_waited_for_at_once(error: ClusterError, seconds: float) -> None:
    """A refusal as long as can be, and a Retry-After as long as it says, within reason."""
    assert delays(error) == [seconds]


class Over(threading.Event):
    """Notes for how long it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        return False


def test_there_is_a_gap_between_two_requests_also_when_all_goes_well() -> None:
    """A server that ends each watch after one line is asked once a second, and at once after a long one."""
    now, over = [100.0], Over()
    pace = Pace(TIMINGS, over, lambda: now[0])
    pace.wait()
    assert over.waited == []
    for passed in (0.25, 600.0):
        now[0] += passed
        pace.wait()

    assert over.waited == [0.75, 0.0]


def test_success_forgets_the_failures() -> None:
    """The next one is the first again."""
    pace = Pace(TIMINGS, threading.Event())
    for _ in range(10):
        pace.failed()
    pace.went_well()
    pace.failed()

    assert pace._delay <= 2.0


def test_who_is_woken_waits_no_longer_than_he_must() -> None:
    """Not for the delay, which may be long; the gap between two requests stays."""
    now = [0.0]
    pace = Pace(Timings(gap=0.01, ceiling=1000.0), threading.Event(), lambda: now[0])
    pace.asked()
    pace.failed(Forbidden("no"))
    pace.wake()

    pace.wait()

    assert pace._delay == 0.0


def test_at_the_end_nobody_waits() -> None:
    """Neither for the gap nor for the delay."""
    over = threading.Event()
    pace = Pace(Timings(gap=1000.0, ceiling=1000.0), over)
    pace.asked()
    pace.failed()
    over.set()
    pace.wake()

    pace.wait()
