"""The demo's own checks can fail: each promise is broken here by hand, and the demo says so."""

import asyncio
import io
import re
from collections.abc import Callable

import pytest
from eightbells.consumer.delivery import Delivery
from eightbells.consumer.demo.cases import SPECIAL, race
from eightbells.consumer.demo.ledger import Ledger, percentile
from eightbells.consumer.demo.promises import check, exit_codes
from eightbells.consumer.demo.rival import lost
from eightbells.consumer.demo.table import Table
from eightbells.events.schema import TYPE, Data, Event, Output

SUCCESS = SPECIAL[0]


def delivery(state: str = "completed", code: str = "exited_zero", exit_code: int = 0, written: int = 5) -> Delivery:
    """The ending that the demo's first dispatch must have, unless told otherwise."""
    data = Data(
        SUCCESS.dispatch,
        "completed" if state == "completed" else "failed",
        "wrapper",
        code=code,
        exit_code=exit_code,
        finished_at="2026-01-01T00:00:00Z",
        stdout=Output(tail="done\n", total_bytes=written),
    )
    event = Event("1.0", "success/r/completed", "/s", TYPE.format(state=state), SUCCESS.dispatch, "", data)
    return Delivery(SUCCESS.dispatch, event, b"", 1, 1, {}, "", "", "")


def told(*deliveries: Delivery) -> Ledger:
    ledger = Ledger()
    for one in deliveries:
        asyncio.run(ledger.handle(one))
    return ledger


def broken(
    ledger: Ledger, record: tuple[str, str, str] = ("completed", "", "c 1 2 3"), status: int = 0, owed: int = 0
) -> list[str]:
    promises = check((SUCCESS,), ledger, {SUCCESS.dispatch: list(record)}, {SUCCESS.dispatch: status}, owed)
    return [promise.says for promise in promises if promise.broken]


def test_a_run_in_which_every_promise_held_is_not_complained_of() -> None:
    """What the demo's first dispatch must do breaks nothing."""
    assert broken(told(delivery())) == []


@pytest.mark.parametrize(
    ("see", "says"),
    [
        (lambda: broken(told(delivery()), record=("", "", "c 1 2 3")), "every dispatch has one ending"),
        (lambda: broken(told(delivery(), delivery())), "each is delivered once"),
        (lambda: broken(told(delivery()), record=("completed", "", "h 1 2 3")), "each is committed once"),
        (lambda: broken(told(delivery()), owed=1), "nothing is owed any more"),
        (lambda: broken(told(delivery(code="signalled"))), "each ended as it had to"),
        (lambda: broken(told(delivery(exit_code=1))), "each ended as it had to"),
        (lambda: broken(told(delivery(written=4))), "each ended as it had to"),
        (lambda: broken(told()), "each ended as it had to"),
        (lambda: broken(told(delivery()), status=1), "reporting changed no exit code"),
    ],
    ids=range(9),
)
def test_a_broken_promise_is_named(see: Callable[[], list[str]], says: str) -> None:
    """Each way to break one is seen, and no other promise is blamed for it."""
    assert see() == [says]


def test_a_race_may_be_won_by_either_reporter_and_by_nobody_else() -> None:
    """The rival's ending is as good as the wrapper's; a third one is not."""
    one = race(0)
    event = lost(one.dispatch)
    ledger = told(Delivery(one.dispatch, event, b"", 1, 1, {}, "", "", ""))
    record = {one.dispatch: ["failed", "1", "c 1 2 3"]}

    assert not any(promise.broken for promise in check((one,), ledger, record, {one.dispatch: 143}, 0))
    assert exit_codes((one,), {one.dispatch: 4}) == []
    assert exit_codes((one,), {one.dispatch: 0}) == ["race-0 exited 0"]


def test_where_nobody_watches_each_ending_is_one_plain_line() -> None:
    """A file or a pipe gets no control sequences, and no line twice."""
    out = io.StringIO()
    table = Table((SUCCESS,), told(delivery()), out)
    table.draw()
    table.draw()

    assert "\x1b" not in out.getvalue()
    assert len(re.findall(r"^success .*exited_zero", out.getvalue(), re.MULTILINE)) == 1


def test_a_percentile_is_one_of_the_values() -> None:
    """The p99 of few values is the largest; of none it is 0."""
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert percentile([], 0.5) == 0.0
