"""The cases exercise every code of the contract and every rule: each can fail."""

import re
from pathlib import Path

import pytest
from eightbells.events.codes import Code
from eightbells.reconciler import classify as deciding
from eightbells.reconciler import marks
from eightbells.reconciler.classify import RULES, classify
from eightbells.reconciler.events import Event, Reference
from eightbells.reconciler.graces import PENDING, Graces
from eightbells.reconciler.remedies import SAID
from eightbells.reconciler.reports import WITNESSED
from eightbells.reconciler.rules import attempt, terminated, waiting
from eightbells.reconciler.rules.attempt import ATTEMPT_RULES
from eightbells.reconciler.rules.terminated import ENDS
from eightbells.reconciler.verdict import NotYet, Verdict

from tests.reconciler.cases import Case, all_cases

PAGE = Path(__file__).parents[2] / "docs/faults.md"

SECONDS = {"s": 1, "min": 60}


def outcome(case: Case) -> object:
    said = classify(case.snapshot, case.now, case.graces)
    return (said.code, said.rule) if isinstance(said, Verdict) else (said.would_be, said.until, said.look, said.why)


@pytest.fixture(scope="module")
def outcomes() -> dict[str, object]:
    return {case.name: outcome(case) for case in all_cases()}


def survives(outcomes: dict[str, object]) -> bool:
    """Whether no case notices a change."""
    return all(outcome(case) == outcomes[case.name] for case in all_cases())


def test_every_code_has_a_case() -> None:
    """Each code of the contract is some case's verdict."""
    assert set(Code) == {Code(case.expect["code"]) for case in all_cases() if "code" in case.expect}


@pytest.mark.parametrize("code", sorted(PENDING))
def test_every_grace_has_a_case_just_before_it(code: Code) -> None:
    """Each code with a grace is some case's `would_be`."""
    assert Graces().of(code) == 0 or code in {case.expect.get("would_be") for case in all_cases()}


@pytest.mark.parametrize("rule", range(len(RULES)), ids=[rule.decide.__name__ for rule in RULES])
def test_every_rule_is_missed(rule: int, outcomes: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a rule of the table some case comes out differently."""
    monkeypatch.setattr(deciding, "RULES", (*RULES[:rule], *RULES[rule + 1 :]))
    assert not survives(outcomes)


@pytest.mark.parametrize("rule", range(len(ATTEMPT_RULES)), ids=[rule.judge.__name__ for rule in ATTEMPT_RULES])
def test_every_rule_about_an_attempt_is_missed(
    rule: int, outcomes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a rule about a pod some case comes out differently."""
    monkeypatch.setattr(attempt, "ATTEMPT_RULES", (*ATTEMPT_RULES[:rule], *ATTEMPT_RULES[rule + 1 :]))
    assert not survives(outcomes)


@pytest.mark.parametrize("rule", range(len(ENDS) - 1), ids=[rule.__name__ for rule in ENDS[:-1]])
def test_every_rule_about_an_end_is_missed(
    rule: int, outcomes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a rule about a container's end some case comes out differently; the last takes what is left."""
    monkeypatch.setattr(terminated, "ENDS", (*ENDS[:rule], *ENDS[rule + 1 :]))
    assert not survives(outcomes)


@pytest.mark.parametrize("reason", sorted(set(waiting.REASONS) - {"PreCreateHookError", "PreStartHookError"}))
def test_every_waiting_reason_is_missed(
    reason: str, outcomes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a reason that containers wait for some case comes out differently."""
    monkeypatch.setattr(waiting, "REASONS", {name: rule for name, rule in waiting.REASONS.items() if name != reason})
    assert not survives(outcomes)


@pytest.mark.parametrize("code", list(Code))
def test_the_page_says_how_long_a_state_must_last(code: Code) -> None:
    """The graces are those of the table in docs/faults.md."""
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith("| `") and f"`{code}`" in line)
    column = row.rstrip(" |").rpartition(" | ")[2]
    own = re.search(rf"{code.rpartition('_')[0].rpartition('_')[2]}[- ]?pull (\d+) (s|min)", column)
    said = own if own and code == Code.IMAGE_NEVER_PULL else re.search(r"(\d+) (s|min)", column)
    if code in PENDING and code != Code.START_ERROR:
        assert PENDING[code] == (int(said[1]) * SECONDS[said[2]] if said else 0)
    elif code == Code.START_ERROR:
        assert "waiting RunContainerError for 60 s" in row
        assert PENDING[code] == 60


def test_a_start_timeout_caps_what_has_not_started_and_nothing_else() -> None:
    """An impatient caller shortens the graces of pending states, a patient one changes none."""
    assert Graces(start_timeout=30).of(Code.UNSCHEDULABLE) == 30
    assert Graces(start_timeout=6 * 3600).of(Code.UNSCHEDULABLE) == 15 * 60
    assert Graces(by_code={Code.UNSCHEDULABLE: 7.0}).of(Code.UNSCHEDULABLE) == 7
    assert Graces(start_timeout=30).of(Code.EXIT_NONZERO) == 0
    assert Graces(start_timeout=30).of(Code.NODE_LOST) == 60
    assert Graces(start_timeout=30).capped(10).of(Code.UNSCHEDULABLE) == 10
    assert Graces(start_timeout=30).capped(60).of(Code.UNSCHEDULABLE) == 30
    assert Graces().capped(None) == Graces()


def test_every_failure_somebody_can_mend_has_a_remedy() -> None:
    """Each code has a remedy, except successes and what somebody asked for."""
    assert set(Code) - set(SAID) == {Code.EXITED_ZERO, Code.CANCELLED, Code.JOB_DELETED}


def test_the_marks_are_those_that_the_dispatcher_writes() -> None:
    """Labels, annotations and names by which a Job is ours are the dispatcher's."""
    from eightbells.dispatcher import inject, names, part

    for name in (
        "DOMAIN",
        "DISPATCH_LABEL",
        "DISPATCH_ANNOTATION",
        "WRAPPER_ANNOTATION",
        "CANCELLED_ANNOTATION",
        "START_TIMEOUT_ANNOTATION",
    ):
        assert getattr(marks, name) == getattr(names, name)
    assert marks.RESERVED == part.RESERVED
    assert inject.LAUNCHER.endswith(f"/{marks.LAUNCHER}")


def test_it_looks_again_without_a_time_only_while_the_view_is_fresh() -> None:
    """Where the view is stale and nothing is settled, there is a time to look again."""
    for case in all_cases():
        said = classify(case.snapshot, case.now, case.graces)
        if isinstance(said, NotYet) and said.until is None and not said.is_settled:
            silent = case.snapshot.freshness
            assert silent.is_synced
            assert silent.pods_at is None or (case.now - silent.pods_at).total_seconds() <= silent.silence


def test_what_is_believed_of_a_wrapper_is_all_that_it_says() -> None:
    """The codes that are believed of a wrapper's record are those that the wrapper has in its source."""
    sources = [path.read_text() for path in (PAGE.parents[1] / "wrapper/eightbells/wrapper").glob("*.py")]
    assert {code for code in Code if any(f'"{code}"' in source for source in sources)} == WITNESSED


def test_an_event_about_an_earlier_object_of_that_name_is_not_about_this_one() -> None:
    """A name comes again, a UID never; an Event that has none is taken for what its name says."""
    earlier, unnamed = (Event(involved_object=Reference(kind="Job", name="etl", uid=uid)) for uid in ("a", None))

    assert earlier.is_about("Job", "etl", "a")
    assert not earlier.is_about("Job", "etl", "b")
    assert not earlier.is_about("Pod", "etl", "a")
    assert unnamed.is_about("Job", "etl", "b")
