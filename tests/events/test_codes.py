"""The codes: one enum, one table for the wrapper, one page for people, all saying the same."""

import re
from pathlib import Path
from typing import get_args

import pytest
from eightbells.events.codes import Code, Fault, Retryable
from eightbells.events.contract import codes
from eightbells.events.contract.codes import CODES

PAGE = Path(__file__).parents[2] / "docs/faults.md"


def rows() -> dict[str, tuple[str, str, str]]:
    """What the page's table says of each code: fault, retryable, charged."""
    table = PAGE.read_text().partition("## 1.")[2].partition("\n## ")[0]
    said = {}
    for line in re.findall(r"^\| (`.*) \|$", table, re.MULTILINE):
        names, fault, retryable, charged, _ = line.split(" | ")
        for name in re.findall(r"`([a-z0-9_]+)`(?=[^()]*(?:\(|$))", re.sub(r"\([^()]*\)", "", names)):
            said[name] = (fault, retryable, charged)
    return said


ROWS = rows()


def test_the_enum_has_every_code() -> None:
    """The enum, the wrapper's table and the page name the same codes."""
    assert {code.value for code in Code} == set(CODES)
    assert set(ROWS) == set(CODES)


@pytest.mark.parametrize("code", list(Code))
def test_the_page_says_what_the_code_does(code: Code) -> None:
    """Fault, retryable and charged of a code are what docs/faults.md says of it."""
    fault, retryable, charged = ROWS[code.value]
    assert said_fault(fault) == code.fault
    assert {"-": None, "by fault": None, "as cause": None}.get(retryable, retryable) == code.retryable
    assert {"yes": True, "no": False}.get(charged) == code.charged


def said_fault(words: str) -> str | None:
    """One word is the fault; more than one are decided by the cause or the message."""
    return words if words in get_args(Fault) else None


@pytest.mark.parametrize("code", list(Code))
def test_faults_come_from_closed_lists(code: Code) -> None:
    """Fault and retryable of a code are among the words that readers know."""
    assert code.fault is None or code.fault in get_args(Fault)
    assert code.retryable is None or code.retryable in get_args(Retryable)


def test_the_wrapper_knows_every_word() -> None:
    """The wrapper's constants for fault and retryable are the words of the contract."""
    named = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)}
    assert named == {*get_args(Fault), *get_args(Retryable)}


def test_a_success_blames_nobody() -> None:
    """A code with fault none has neither retryable nor charged, and no other code has that fault."""
    blameless = {code for code in Code if code.fault == "none"}
    assert blameless == {Code.EXITED_ZERO, Code.COMPLETED_WITHOUT_REPORT}
    assert all(code.retryable is None and code.charged is None for code in blameless)


def test_only_what_is_not_the_users_is_free() -> None:
    """An uncharged code never blames the user, the resources or the configuration."""
    free = {code.fault for code in Code if code.charged is False}
    assert free <= {"infra", "dependency", "cancelled", "unknown", None}
