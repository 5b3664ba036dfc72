"""Compiles what is ours in C, the launcher and prctl, by the compiler that PyPI carries for every architecture.

The headers of a C library are those of Debian's musl for both. The compiler's own would do as well, and would take a
minute to build.
"""

import os
import subprocess
import sys
from pathlib import Path

from tools.runtime.target import Target, Unbuildable
from tools.runtime.tree import LAUNCHER, REPLACED, STDLIB, WRAPPER

SOURCE = LAUNCHER / "launcher.c"
EXTENSION = LAUNCHER / "prctl.c"
OPTIONS = (
    *("-std=c11", "-Os", "-s", "-nostdlib", "-nostdinc"),
    *("-Wall", "-Wextra", "-Werror", "-Wno-unused-command-line-argument"),
)


def compile_launcher(target: Target, root: Path, program: Path, cache: Path) -> None:
    """Compile the launcher with the musl in `root`. Raises `Unbuildable` with what the compiler says."""
    library = root / "usr/lib" / target.musl
    files = (SOURCE, library / "libc.a", library / "crt1.o")
    compile_c(files, program, target.musl, cache, options=(*OPTIONS, "-static", *_headers(target.musl, root)))


def compile_extension(target: Target, root: Path, tree: Path, cache: Path) -> None:
    """Compile the module that stands for `REPLACED`, for the interpreter, whose C library it finds in the process.
    Raises `Unbuildable`.
    """
    headers = ("-isystem", str(root / "usr/include/python3.11"), "-isystem", str(root / "usr/include"))
    place = tree / STDLIB / REPLACED.relative_to(WRAPPER).with_suffix(".abi3.so")
    options = (*OPTIONS, "-shared", "-fPIC", *_headers(target.musl, root), *headers)
    compile_c((EXTENSION,), place, target.triplet, cache, options=options)


def compile_c(inputs: tuple[Path, ...], program: Path, kind: str, cache: Path, options: tuple[str, ...]) -> None:
    """Run the compiler for a kind of machine, such as `x86_64-linux-musl`. Raises `Unbuildable`."""
    files = ["-o", str(program), *map(str, inputs)]
    words = [sys.executable, "-m", "ziglang", "cc", "-target", kind, *options, *files]
    places = {f"ZIG_{name}_CACHE_DIR": str(cache / "zig") for name in ("GLOBAL", "LOCAL")}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **places})
    if done.returncode:
        raise Unbuildable(f"{program.name} does not compile for {kind}: {done.stderr[-2000:]}")


def _headers(musl: str, root: Path) -> tuple[str, str]:
    return "-isystem", str(root / "usr/include" / musl)
