"""`$(NAME)` as Kubernetes expands it; the examples are its own (third_party/forked/golang/expansion/expand_test.go)."""

import pytest
from eightbells.dispatcher.expansion import expanded_size, find_references

VALUES = {"VAR_A": "A", "VAR_B": "B", "VAR_C": "C", "VAR_REF": "$(VAR_A)", "VAR_EMPTY": ""}

EXAMPLES = [
    ("$(VAR_A)", "A"),
    ("___$(VAR_B)___", "___B___"),
    ("___$(VAR_C)", "___C"),
    ("$(VAR_A)-$(VAR_A)", "A-A"),
    ("$(VAR_A)_$(VAR_B)_$(VAR_C)", "A_B_C"),
    ("$$(VAR_B)_$(VAR_A)", "$(VAR_B)_A"),
    ("$$(VAR_A)_$$(VAR_B)", "$(VAR_A)_$(VAR_B)"),
    ("f000-$$VAR_A", "f000-$VAR_A"),
    ("foo\\$(VAR_C)bar", "foo\\Cbar"),
    ("foo\\\\$(VAR_C)bar", "foo\\\\Cbar"),
    ("$(VAR_A$(VAR_B)", "$(VAR_A$(VAR_B)"),
    ("$(VAR_A$(VAR_B)$", "$(VAR_A$(VAR_B)$"),
    ("$$$$$$(BIG_MONEY)", "$$$(BIG_MONEY)"),
    ("$$$$$$(VAR_A)", "$$$(VAR_A)"),
    ("$VAR_A)", "$VAR_A)"),
    ("${VAR_A}", "${VAR_A}"),
    ("$(VAR_B)_______$(A", "B_______$(A"),
    ("$(VAR_REF)", "$(VAR_A)"),
    ("foo$(VAR_EMPTY)bar", "foobar"),
    ("$(VAR_NONE)", "$(VAR_NONE)"),
    ("$", "$"),
    ("$(", "$("),
    ("$()", "$()"),
    ("$ü$$ü$(VAR_A", "$ü$ü$(VAR_A"),
    ("$(VAR_A)$($$(", "A$($("),
    ("$$)$$$", "$)$$"),
]


@pytest.mark.parametrize(("text", "expanded"), EXAMPLES)
def test_size_is_that_of_kubernetes(text: str, expanded: str) -> None:
    """What the kernel will be given is what is measured."""
    sizes = {name: len(value) for name, value in VALUES.items()}
    assert expanded_size(text, sizes) == len(expanded.encode())


@pytest.mark.parametrize(
    ("text", "names"),
    [("$(A)-$$(B)-$$$(C)", ["A", "C"]), ("$A ${B} $(D", []), ("$(\n)", ["\n"]), ("$($(A)", ["$(A"])],
)
def test_references_are_those_of_kubernetes(text: str, names: list[str]) -> None:
    """An escaped reference is none, and one without its end neither."""
    assert list(find_references(text)) == names
