"""docs/security.md says no more than the tests have seen."""

import ast
import re
from pathlib import Path

import pytest

ATTACKS = Path(__file__).with_name("security")
PAGE = (ATTACKS.parents[1] / "docs/security.md").read_text()
ROWS = [
    line
    for line in PAGE.splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| the command tries |"))
]


def attacks() -> set[str]:
    """Every attack that is made here."""
    modules = (ast.parse(path.read_text()) for path in ATTACKS.glob("test_*.py"))
    return {
        node.name
        for module in modules
        for node in module.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def named(text: str) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", text))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_each_row_names_its_test(row: str) -> None:
    """A row has an attack, two answers, a remedy where there is an answer that needs one, and a test that exists."""
    _, attack, nobody, root, remedy, last, _ = (cell.strip() for cell in row.split("|"))
    assert attack
    assert named(last)
    assert named(last) <= attacks()
    for answer in (nobody, root):
        assert answer.startswith(("holds", "**does not hold**", "(there is none)", "the same"))
    assert "does not" not in nobody + root or len(remedy) > 1


def test_each_test_has_a_row() -> None:
    """What is tried is told."""
    assert attacks() == {name for row in ROWS for name in named(row)}
