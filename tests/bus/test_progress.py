"""begin, of progress: at most once for each group, in log order, and never once the group has begun the ending."""

import pytest
from eightbells.events.leasing import Begun

from tests.bus.bus import Bus

GIVEN = Begun("ok")
DONE = Begun("done")


def entries(bus: Bus) -> list[str]:
    return [entry["id"] for entry in bus.log()]


def test_progress_is_given_once(owed: Bus) -> None:
    """A progress event is given to whoever of the group asks first, without a lease."""
    owed.tell(state="running")
    (entry,) = entries(owed)
    assert owed.begin(entry=entry) == GIVEN
    assert owed.begin(entry=entry, owner="another") == DONE
    assert owed.todo() == {}


def test_each_group_has_its_own_progress(owed: Bus) -> None:
    """What one group has seen another may still see."""
    owed.add("h")
    owed.tell(state="running")
    (entry,) = entries(owed)
    assert [owed.begin(group=group, entry=entry) for group in "gh"] == [GIVEN, GIVEN]


def test_progress_does_not_go_back(owed: Bus) -> None:
    """An event that comes before one that the group has seen is not given."""
    owed.tell(state="running")
    owed.tell(state="attempt_ended")
    first, second = entries(owed)
    assert owed.begin(entry=second) == GIVEN
    assert owed.begin(entry=first) == DONE


def test_log_order_is_by_number(owed: Bus) -> None:
    """Entries of one millisecond are in order of their second number, not of its digits."""
    owed.tell(state="running")
    later = owed.now()
    assert [owed.begin(entry=f"{later}-{n}").status for n in (9, 10, 9)] == ["ok", "ok", "done"]


def test_progress_is_skipped_once_the_ending_was_begun(owed: Bus) -> None:
    """Nobody is told that a command runs after he has been told how it ended."""
    owed.tell(state="running")
    owed.tell()
    running, _ = entries(owed)
    fence = owed.begin().fence
    assert owed.begin(entry=running) == DONE
    owed.release("d", fence)
    assert owed.begin(entry=running) == DONE
    owed.handle()
    assert owed.begin(entry=running) == DONE


def test_progress_is_given_while_the_ending_waits(owed: Bus) -> None:
    """An ending that was accepted but not begun yet holds no progress back."""
    owed.tell(state="running")
    owed.tell()
    assert owed.begin(entry=entries(owed)[0]) == GIVEN


def test_progress_from_before_the_group_is_not_given(bus: Bus) -> None:
    """A group is given no event that was accepted before it was registered."""
    bus.tell(state="running")
    registered = bus.add().registered_at
    assert bus.begin(entry=f"{registered - 1}-0") == DONE


def test_progress_brings_what_register_was_told(owed: Bus) -> None:
    """Labels and context come with progress too."""
    owed.register(labels="{}", context="mine")
    owed.tell(state="running")
    begun = owed.begin(entry=entries(owed)[0])
    assert (begun.labels, begun.context) == (b"{}", b"mine")


def test_progress_of_what_is_gone(owed: Bus) -> None:
    """Without a record there is nothing to tell."""
    assert owed.begin("unknown", entry="1-1") == Begun("gone")


@pytest.mark.parametrize("entry", ["0", "x", "1-", "-1-1"])
def test_what_is_no_entry_is_an_error(owed: Bus, entry: str) -> None:
    """An entry id that is none is an error of that element."""
    owed.tell(state="running")
    assert owed.begin(entry=entry).status == "error"
