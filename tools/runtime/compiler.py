"""Compiles modules to byte code: a script for the interpreter that will load them, with the jobs on its stdin.

Nothing is checked against a source when it is loaded: an image keeps neither times nor a directory that could be
written to. Docstrings go, and `from __future__ import …` does its work here and not where the command waits for it.
"""

import __future__

import ast
import json
import marshal
import sys
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path
from types import CodeType

UNCHECKED_HASH = 0b01
EMPTY = 'EARLY = b""\n'
"""Where the file that brings modules along is to be filled in."""


def compile_code(source: str, shown: str) -> CodeType:
    """Compile what is in a module; `shown` is the file that a traceback names."""
    tree = ast.parse(source, shown)
    body = [node for node in tree.body if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")]
    flags = __future__.annotations.compiler_flag if len(body) < len(tree.body) else 0
    tree.body = body
    code: CodeType = compile(tree, shown, "exec", flags=flags, dont_inherit=True, optimize=2)
    return code


def write_module(code: CodeType, source: str, file: Path) -> None:
    """Write the byte code as the interpreter looks for it."""
    head = MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little") + source_hash(source.encode())
    file.write_bytes(head + marshal.dumps(code))


def fill_in(bringer: str, early: list[tuple[str, str, str]]) -> str:
    """Return the source of the module that brings these along: name, source and shown file of each."""
    codes = [(name, compile_code(Path(source).read_text(), shown)) for name, source, shown in early]
    assert bringer.count(EMPTY) == 1, "there is no one place in it for the modules"
    return bringer.replace(EMPTY, f"EARLY = {marshal.dumps(codes)!r}\n")


def main() -> None:
    """Compile the files, each to the one beside it, and the module that brings others along."""
    work = json.load(sys.stdin)
    for source, shown in work["files"]:
        text = Path(source).read_text()
        write_module(compile_code(text, shown), text, Path(f"{source}c"))
    bringer, shown, file = work["bringer"]
    text = fill_in(Path(bringer).read_text(), work["early"])
    write_module(compile_code(text, shown), text, Path(file))


if __name__ == "__main__":
    main()
