"""Every fault in a file, and what is said of it: code, fault, retry, charge, evidence and the sentence."""

from datetime import UTC
from typing import Any

import pytest
from eightbells.events.codes import Code
from eightbells.reconciler.classify import classify
from eightbells.reconciler.times import timestamp
from eightbells.reconciler.verdict import NotYet, Verdict

from tests.reconciler.cases import Case, all_cases

WORDS = {"says": "explanation", "remedy": "remedy", "ruled_out": "ruled_out", "why": "why"}
"""What is expected to be part of a text."""


def name_of(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", all_cases(), ids=name_of)
def test_a_fault_is_told_by_its_code(case: Case) -> None:
    """What a cluster shows of a fault gives just what its case expects."""
    said = classify(case.snapshot, case.now, case.graces)

    expected = dict(case.expect)
    assert isinstance(said, NotYet) == expected.pop("not_yet", False), said
    for field, value in expected.items():
        assert_said(said, field, value)


@pytest.mark.parametrize("case", [one for one in all_cases() if "code" in one.expect], ids=name_of)
def test_a_verdict_says_what_it_rests_on(case: Case) -> None:
    """Every verdict has evidence, a sentence, and a remedy where its code is somebody's to mend."""
    said = classify(case.snapshot, case.now, case.graces)

    assert isinstance(said, Verdict)
    assert said.evidence
    assert all(one.object and one.field for one in said.evidence)
    assert said.explanation[0].isupper() or said.explanation.startswith('"')
    assert said.remedy or said.fault in {"none", "cancelled"}
    code = Code(said.code)
    assert said.fault == (code.fault or said.fault)
    assert said.retryable == (code.retryable or said.retryable)
    assert said.charged == (said.charged if code.charged is None else code.charged)


def assert_said(said: Verdict | NotYet, field: str, value: Any) -> None:
    if field in WORDS:
        text = getattr(said, WORDS[field])
        assert value in (text if isinstance(text, str) else " ".join(f"not {one}" for one in text)), said
    elif field == "tail":
        report = getattr(said, "report", None)
        assert (report.stdout.tail if report and report.stdout else None) == value
    elif field == "until":
        assert isinstance(said, NotYet)
        assert timestamp(said.until.astimezone(UTC) if said.until else None) == value, said
    elif field == "settled":
        assert getattr(said, "is_settled", None) == value
    else:
        found = getattr(said, field)
        assert (list(found) if isinstance(found, tuple) else found) == value, (field, said)
