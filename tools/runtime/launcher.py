"""Compiles the launcher: one C file and Debian's musl, by the compiler that PyPI carries for every architecture.

The compiler's own C library would do as well, and would take a minute to build.
"""

import os
import subprocess
import sys
from pathlib import Path

from tools.runtime.target import Target, Unbuildable

SOURCE = Path(__file__).resolve().parents[2] / "wrapper/launcher/launcher.c"
OPTIONS = (
    *("-std=c11", "-Os", "-s", "-static", "-nostdlib", "-nostdinc"),
    *("-Wall", "-Wextra", "-Werror", "-Wno-unused-command-line-argument"),
)


def compile_launcher(target: Target, root: Path, program: Path, cache: Path) -> None:
    """Compile against the musl in `root`. Raises `Unbuildable` with what the compiler says."""
    library = root / "usr/lib" / target.musl
    compile_c((SOURCE, library / "libc.a"), program, target, cache, options=(
        *OPTIONS, "-isystem", str(root / "usr/include" / target.musl), str(library / "crt1.o"),
    ))  # fmt: skip


def compile_c(inputs: tuple[Path, ...], program: Path, target: Target, cache: Path, options: tuple[str, ...]) -> None:
    """Run the compiler for an architecture. Raises `Unbuildable`."""
    files = ["-o", str(program), *map(str, inputs)]
    words = [sys.executable, "-m", "ziglang", "cc", "-target", target.musl, *options, *files]
    places = {f"ZIG_{kind}_CACHE_DIR": str(cache / "zig") for kind in ("GLOBAL", "LOCAL")}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **places})
    if done.returncode:
        raise Unbuildable(f"the launcher does not compile for {target.debian}: {done.stderr[-2000:]}")
