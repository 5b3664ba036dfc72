"""Libraries as other people's images have them: for a newer C library, for another one, or fatal to their users."""

import os
import subprocess
from pathlib import Path

from tests.runtime.roots import LOCAL

ROOT = Path(__file__).resolve().parents[2]
COMPILER = ROOT / ".venv-runtime/bin/python"
NEEDS = {"newer-glibc": ("libc.so.6", "GLIBC_2.99"), "musl": (f"libc.musl-{os.uname().machine}.so.1", "")}


class Foreign:
    """Makes them when first asked for, by the compiler that made the launcher."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def library(self, kind: str) -> Path:
        """The library of this kind: `newer-glibc`, `musl`, or `trap`, whose first instruction is its user's last."""
        path = self._folder / f"{kind}.so"
        if not path.exists():
            self._make_trap(path) if kind == "trap" else self._make_needy(path, *NEEDS[kind])
        return path

    def _make_trap(self, path: Path) -> None:
        self._compile("__attribute__((constructor)) static void end(void) { __builtin_trap(); }", path)

    def _make_needy(self, path: Path, library: str, version: str) -> None:
        """Link against a stand-in for a library that this machine does not have."""
        stand_in = path.with_name(f"{path.stem}-needs") / library
        stand_in.parent.mkdir()
        options = [f"-Wl,-soname,{library}"]
        if version:
            script = stand_in.with_suffix(".map")
            script.write_text(f"{version} {{ wanted; }};\n")
            options.append(f"-Wl,--version-script={script}")
        self._compile("int wanted(void) { return 0; }", stand_in, *options)
        text = "int wanted(void); __attribute__((constructor)) static void use(void) { wanted(); }"
        self._compile(text, path, str(stand_in))

    def _compile(self, text: str, path: Path, *options: str) -> None:
        assert LOCAL is not None
        source = path.with_name(f"{path.name}.c")
        source.write_text(text)
        compiler = [str(COMPILER), "-m", "ziglang", "cc", "-target", f"{LOCAL.machine}-linux-gnu"]
        words = [*compiler, "-shared", "-nostdlib", "-fPIC", str(source), *options, "-o", str(path)]
        subprocess.run(words, check=True, timeout=25)
