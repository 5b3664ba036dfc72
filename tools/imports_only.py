"""A contract for import-linter: some modules import from an allow-list and from nothing else.

import-linter itself can only forbid what somebody thought of beforehand. Here a new dependency is refused until it is
allowed, the standard library's modules included.
"""

from collections.abc import Iterable
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class ImportsOnly(Contract):
    """Every module in `source_modules` imports directly only what is in `allowed`.

    With `among`, only imports of what is in those packages are looked at. A package stands for all that is in it.
    """

    type_name = "imports_only"

    # The framework replaces each field by what the configuration says.
    source_modules: Any = fields.ListField(subfield=fields.StringField())
    allowed: Any = fields.ListField(subfield=fields.StringField())
    among: Any = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 -- the framework's signature
        """Return what was imported besides."""
        strays = [
            (importer, imported)
            for importer in sorted(graph.modules)
            if _is_in(importer, self.source_modules)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if _is_in(imported, self.among or [""]) and not _is_in(imported, self.allowed)
        ]
        return ContractCheck(kept=not strays, metadata={"strays": strays})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print a line for each import that nobody allowed."""
        for importer, imported in check.metadata["strays"]:
            output.print_error(f"{importer} imports {imported}, which it is not allowed to.")


def _is_in(module: str, packages: Iterable[str]) -> bool:
    return any(package in ("", module) or module.startswith(f"{package}.") for package in packages)
