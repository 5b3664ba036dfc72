"""Turns modules into byte code, by the interpreter that will load it, and checks what the wrapper imports.

Byte code does not depend on the architecture, so the local interpreter compiles for all. Nothing is checked against a
source when it is loaded: an image keeps neither times nor a directory that could be written to.
"""

import ast
import json
import subprocess
from pathlib import Path

from tools.runtime.target import Target, Unbuildable
from tools.runtime.tree import STDLIB, own_sources

COMPILE = """
import json, py_compile, sys
unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
for source, compiled, shown in json.load(sys.stdin):
    py_compile.compile(source, compiled, shown, doraise=True, invalidation_mode=unchecked)
"""
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
    jobs = [(str(source), f"{source}c", f"/eightbells/{source.relative_to(tree)}") for source in sources]
    folders = [str(root / folder / target.triplet) for folder in ("lib", "usr/lib")]
    start = interpreter(Path(folders[0]) / target.loader, ":".join(folders), root / "usr/bin/python3.11")
    subprocess.run([*start, "-X", "utf8", "-ISBc", COMPILE], input=json.dumps(jobs), text=True, check=True, env={})
    for source in sources:
        source.unlink()


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


def _imports(node: ast.AST) -> set[str]:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return set()
    if isinstance(node, ast.Import):
        return {name.name for name in node.names}
    if isinstance(node, ast.ImportFrom):
        return {node.module or ""}
    return {name for child in ast.iter_child_nodes(node) for name in _imports(child)}
