"""Times at either end of the calendar, which any object may hold."""

from datetime import UTC, datetime, timedelta, timezone

from eightbells.reconciler.times import END, START, duration, in_utc, later, moment_of, timestamp


def test_there_is_no_time_outside_the_calendar() -> None:
    """What would be before the first year, or after the last, is its end."""
    east, west = timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))
    assert in_utc(datetime(1, 1, 1, tzinfo=east)) == START
    assert in_utc(datetime(9999, 12, 31, 23, tzinfo=west)) == END
    assert (later(START, -1), later(END, 1), later(START, 1e300)) == (START, END, END)


def test_a_time_is_written_in_utc() -> None:
    """With fractions only where there are some."""
    assert timestamp(datetime(2026, 11, 25, 12, tzinfo=timezone(timedelta(hours=2)))) == "2026-11-25T10:00:00Z"
    assert timestamp(datetime(2026, 11, 25, 12, 0, 0, 500000, UTC)) == "2026-11-25T12:00:00.500000Z"
    assert timestamp(None) is None


def test_what_a_command_wrote_as_a_time_may_be_none() -> None:
    """Any text is read, and one without a zone is taken for UTC."""
    assert [moment_of(text) for text in (None, "", "soon", "2026-13-01T00:00:00Z")] == [None] * 4
    assert moment_of("2026-11-25T10:00:00") == datetime(2026, 11, 25, 10, tzinfo=UTC)


def test_a_span_is_written_for_people() -> None:
    """In two units at most."""
    spans = {0.4: "0.4 s", 14: "14 s", 185: "3 min 5 s", 7440: "2 h 4 min", 266400: "3 d 2 h", 3600: "1 h"}
    assert {seconds: duration(seconds) for seconds in spans} == spans
