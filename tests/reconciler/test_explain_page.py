"""docs/explain.md is true: its example, its options, its fields and its warnings."""

import re
from pathlib import Path

from eightbells.reconciler.classify import classify
from eightbells.reconciler.commands.explain import explain
from eightbells.reconciler.explain.account import Account

from tests.reconciler.cases import all_cases
from tests.reconciler.golden import write_text

PAGE = (Path(__file__).parents[2] / "docs/explain.md").read_text()

LIVE = {"another_job", "label_removed", "template_without_label"}
"""Warnings of whoever watches a cluster, which a dump never gives."""


def test_the_example_is_what_it_says() -> None:
    """The page's example is a golden text."""
    (shown,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert shown == write_text("provisional")


def test_the_options_are_all_there() -> None:
    """The table has every option of the command and no other."""
    told = set(re.findall(r"`(--[a-z-]+)`", PAGE))
    assert told == {name for option in explain.params for name in option.opts if name.startswith("--")}


def test_the_fields_are_all_there_in_their_order() -> None:
    """The fields of the JSON object are those of an account."""
    told = PAGE.partition("for each Job:")[2].partition("Absent is null")[0]
    assert tuple(re.findall(r"`([a-z_]+)`", told)) == Account.__struct_fields__


def test_the_warnings_are_all_there() -> None:
    """Every warning that a case has is explained, and no other."""
    given = {warning for case in all_cases() for warning in classify(case.snapshot, case.now, case.graces).warnings}
    assert set(re.findall(r"^\| `([a-z_]+)` \|", PAGE.partition("## Warnings")[2], re.MULTILINE)) == given - LIVE
