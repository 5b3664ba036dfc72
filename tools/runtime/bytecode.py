"""Turns modules into byte code, by the interpreter that will load it, and checks what the wrapper imports.

Byte code does not depend on the architecture, so the local interpreter compiles for all.
"""

import ast
import json
import subprocess
from pathlib import Path

from tools.runtime.target import Target, Unbuildable
from tools.runtime.tree import BRINGER, STDLIB, WRAPPER, own_sources

COMPILER = Path(__file__).with_name("compiler.py")
FIRST = ("eightbells.wrapper.main", "eightbells.wrapper.pumps")
"""What the wrapper is started by, and what it imports before the spawn, where it reports."""

IMPORT = """
import sys
for name in sys.argv[1:]:
    try:
        __import__(name)
    except Exception as problem:
        sys.exit(f"{name}: {problem}")
"""


def compile_modules(tree: Path, target: Target, root: Path) -> None:
    """Replace every module of the tree by its byte code; `root` holds the whole interpreter of this machine."""
    sources = sorted((tree / STDLIB).rglob("*.py"))
    early = find_early()
    bringer = tree / STDLIB / "eightbells/__init__.py"
    work = {
        "files": [
            (str(source), _shown(source, tree)) for source in sources if _name(source, tree / STDLIB) not in early
        ],
        "early": [
            (name, str(source), _shown(tree / STDLIB / source.relative_to(WRAPPER), tree))
            for name, source in early.items()
        ],
        "bringer": (str(BRINGER), _shown(bringer, tree), f"{bringer}c"),
    }
    folders = [str(root / folder / target.triplet) for folder in ("lib", "usr/lib")]
    start = interpreter(Path(folders[0]) / target.loader, ":".join(folders), root / "usr/bin/python3.11")
    words = [*start, "-X", "utf8", "-ISB", str(COMPILER)]
    subprocess.run(words, input=json.dumps(work), text=True, check=True, env={})
    for source in sources:
        source.unlink()


def find_early() -> dict[str, Path]:
    """The sources of our modules that are imported before the spawn, by name, each after those that it imports."""
    found: dict[str, Path] = {}
    for name in FIRST:
        _follow(name, found)
    return found


def check_imports(tree: Path) -> None:
    """Check that the runtime has whatever the wrapper may import, now or later. Raises `Unbuildable`."""
    start = interpreter(tree / "lib/eightbells", str(tree / "lib"), tree / "bin/python3.11")
    words = [*start, "-X", "utf8", "-ISBc", IMPORT, *sorted(find_imports())]
    done = subprocess.run(words, capture_output=True, text=True, env={}, check=False)
    if done.returncode:
        raise Unbuildable(f"add to contents.py what the wrapper imports and the runtime lacks: {done.stderr[-600:]}")


def find_imports() -> set[str]:
    """Every module that the wrapper names in an import, wherever it does, that for type checkers apart."""
    names: set[str] = set()
    for source in own_sources():
        if source.suffix == ".py":
            names |= _imports(ast.parse(source.read_text()))
    return names


def interpreter(loader: Path, libraries: str, python: Path) -> list[str]:
    """The words that start an interpreter with its own loader and libraries, as the launcher does."""
    return [str(loader), "--inhibit-cache", "--library-path", libraries, "--argv0", str(python), str(python)]


def _follow(name: str, found: dict[str, Path]) -> None:
    """Add what the module imports as it is loaded, and then the module, where it is one of ours."""
    places = {_name(source, WRAPPER): source for source in own_sources() if source.suffix == ".py"}
    if name in found or name not in places:
        return
    _follow(name.rpartition(".")[0], found)
    for node in ast.parse(places[name].read_text()).body:
        if isinstance(node, ast.ImportFrom):
            for each in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                _follow(each or "", found)
    found[name] = places[name]


def _name(source: Path, home: Path) -> str:
    """The name by which the file is imported."""
    return ".".join(source.relative_to(home).with_suffix("").parts).removesuffix(".__init__")


def _shown(source: Path, tree: Path) -> str:
    """The file that tracebacks name, wherever the runtime is."""
    return f"/eightbells/{source.relative_to(tree)}"


def _imports(node: ast.AST) -> set[str]:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return set()
    if isinstance(node, ast.Import):
        return {name.name for name in node.names}
    if isinstance(node, ast.ImportFrom):
        return {node.module or ""} - {"__future__"}  # which the compiler has done
    return {name for child in ast.iter_child_nodes(node) for name in _imports(child)}
