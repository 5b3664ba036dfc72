"""Each key once, however often it changed; at its time; and the last word about a time counts."""

from datetime import UTC, datetime, timedelta

import pytest
from eightbells.reconciler.worker import agenda as agendas
from eightbells.reconciler.worker.agenda import Agenda

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def agenda(clock: Clock) -> Agenda:
    return Agenda(clock)


def taken(agenda: Agenda) -> list[str]:
    return [item.key for item in agenda.take(100, 0.0)]


def then(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_what_changes_often_is_taken_once(agenda: Agenda, clock: Clock) -> None:
    """In the order of first change, with the time that it has waited."""
    agenda.put("a")
    clock.seconds = 5
    agenda.put("b")
    agenda.put("a", is_deep=True)
    found = agenda.take(100, 0.0)
    assert [(item.key, item.since, item.is_deep) for item in found] == [("a", 0.0, True), ("b", 5.0, False)]
    assert not taken(agenda)


def test_no_more_is_taken_than_asked_for(agenda: Agenda) -> None:
    """The rest stays, and is counted."""
    for key in "abc":
        agenda.put(key)
    assert [item.key for item in agenda.take(2, 0.0)] == ["a", "b"]
    assert agenda.depth == 1


def test_a_time_comes(agenda: Agenda, clock: Clock) -> None:
    """Not before it, and once."""
    agenda.put_at("a", then(10), NOW, is_deep=False)
    clock.seconds = 9.9
    assert not taken(agenda)
    clock.seconds = 10
    assert taken(agenda) == ["a"]
    assert not taken(agenda)


def test_a_new_time_replaces_the_old_one(agenda: Agenda, clock: Clock) -> None:
    """A later one puts it off, None takes it away."""
    agenda.put_at("a", then(10), NOW, is_deep=False)
    agenda.put_at("a", then(20), NOW, is_deep=False)
    agenda.put_at("b", then(10), NOW, is_deep=False)
    agenda.put_at("b", None, NOW, is_deep=False)
    clock.seconds = 15
    assert not taken(agenda)
    clock.seconds = 20
    assert taken(agenda) == ["a"]


def test_a_deep_time_survives_a_shallow_look(agenda: Agenda, clock: Clock) -> None:
    """Who has not read the record does not know its deadline; who has knows all."""
    agenda.put_at("a", then(10), NOW, is_deep=True)
    agenda.put_at("a", None, NOW, is_deep=False)
    agenda.put_at("b", then(10), NOW, is_deep=False)
    agenda.put_at("b", None, NOW, is_deep=True)
    clock.seconds = 10
    assert [(item.key, item.is_deep) for item in agenda.take(100, 0.0)] == [("a", True)]


def test_what_is_settled_is_forgotten(agenda: Agenda, clock: Clock) -> None:
    """Both times are."""
    agenda.put_at("a", then(1), NOW, is_deep=True)
    agenda.put_at("a", then(1), NOW, is_deep=False)
    agenda.forget("a")
    clock.seconds = 2
    assert not taken(agenda)


def test_what_is_given_back_comes_first_and_has_waited(agenda: Agenda, clock: Clock) -> None:
    """Also when it changed meanwhile."""
    agenda.put("a")
    items = agenda.take(100, 0.0)
    clock.seconds = 5
    agenda.put("b")
    agenda.put("a", is_deep=True)
    agenda.give_back(items)
    assert [(item.key, item.since, item.is_deep) for item in agenda.take(100, 0.0)] == [
        ("a", 0.0, True),
        ("b", 5.0, False),
    ]


def test_times_that_are_replaced_for_ever_cost_no_memory(
    agenda: Agenda, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Job that is put off a thousand times is one entry, and still comes."""
    monkeypatch.setattr(agendas, "SLACK", 10)
    for second in range(1000):
        agenda.put_at("a", then(1000 + second), NOW, is_deep=False)
    assert len(agenda._heap) <= 12
    clock.seconds = 2000
    assert taken(agenda) == ["a"]
