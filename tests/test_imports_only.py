"""The import contract of our own: what is not allowed is refused."""

import pytest
from grimp import ImportGraph

from tools.imports_only import ImportsOnly


def strays(imports: dict[str, str], **options: list[str]) -> list[tuple[str, str]]:
    graph = ImportGraph()
    for importer, imported in imports.items():
        graph.add_import(importer=importer, imported=imported)
    contract = ImportsOnly("a contract", {}, {"source_modules": ["ship"], **options})
    found: list[tuple[str, str]] = contract.check(graph, verbose=False).metadata.get("strays", [])
    return found


@pytest.mark.parametrize("stray", ["json", "shipyard", "harbour.crane"])
def test_what_nobody_allowed_is_refused(stray: str) -> None:
    """An import that is not on the list breaks the contract, by a module or by a package beside it."""
    assert strays({"ship.deck": stray, "ship.hold": "ship.deck"}, allowed=["ship"]) == [("ship.deck", stray)]


def test_what_is_allowed_is_kept() -> None:
    """A package on the list stands for its modules, and other packages may import what they like."""
    assert strays({"ship.deck": "harbour.pier.bollard", "pilot": "json"}, allowed=["ship", "harbour.pier"]) == []


def test_a_contract_can_look_at_some_packages_only() -> None:
    """With `among`, what lies outside those packages is nobody's business."""
    imports = {"ship.deck": "json", "ship.hold": "harbour.crane"}
    assert strays(imports, allowed=["ship"], among=["harbour"]) == [("ship.hold", "harbour.crane")]
