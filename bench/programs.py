"""Who is measured as the parent of a command: the wrapper as it is shipped, its interpreter alone, and other inits."""

import platform
import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from tools.runtime.__main__ import DIST
from tools.runtime.tree import list_sources

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
ARCHIVE = DIST / f"eightbells-runtime-{ARCHITECTURES.get(platform.machine(), platform.machine())}.tar.xz"
CONSOLE = Path(sys.executable).with_name("eightbells-wrapper")

INITS = {"tini": ["tini", "-s", "--"], "dumb-init": ["dumb-init", "--"], "catatonit": ["catatonit", "--"]}
"""Each is in Debian's package of its name. tini and catatonit become subreapers, as the wrapper is."""


class Program(Struct, frozen=True):
    """A parent for a command: `words` come before the command's. `absent` is why it cannot be measured."""

    name: str
    words: tuple[str, ...] = ()
    absent: str = ""


class Programs(Struct, frozen=True):
    """All of them. `python` starts the runtime's own interpreter; `notes` is what has to be known of them."""

    runtime: Program
    console: Program
    python: Program
    inits: tuple[Program, ...]
    notes: tuple[str, ...]

    @property
    def wrappers(self) -> tuple[Program, ...]:
        """The wrapper in the two forms in which people get it."""
        return self.runtime, self.console

    def script(self, code: str) -> Program:
        """Return the interpreter alone, running this code."""
        return Program(self.python.name, (*self.python.words, "-I", "-S", "-c", code))


@contextmanager
def find_programs() -> Iterator[Programs]:
    """Find what is here, the runtime unpacked for as long as it is needed."""
    inits = tuple(find_init(name, words) for name, words in INITS.items())
    console = Program(
        "wrapper, pip's console script", (str(CONSOLE), "--"), "" if CONSOLE.exists() else f"no {CONSOLE}"
    )
    with TemporaryDirectory(prefix="eightbells-bench-") as folder:
        home = Path(folder)
        python = Program(f"Python {platform.python_version()} alone, -I -S", (str(Path(sys.executable).resolve()),))
        runtime = Program("wrapper, runtime", absent=f"no dist/{ARCHIVE.name}: say `make runtime`, on Debian 12")
        notes: tuple[str, ...] = ()
        if ARCHIVE.exists():
            notes = tuple(unpack(home))
            runtime = Program("wrapper, runtime", (str(home / "bin/eightbells-wrapper"), "--"))
            python = Program("the runtime's interpreter alone, -I -S", interpreter(home))
        yield Programs(runtime, console, python, inits, notes)


def find_init(name: str, words: list[str]) -> Program:
    path = shutil.which(words[0])
    if path is None:
        return Program(name, absent=f"not on PATH: Debian's package {name}")
    return Program(name, (path, *words[1:]))


def unpack(home: Path) -> Iterator[str]:
    """Unpack the runtime, and note whether it is of these sources."""
    with tarfile.open(ARCHIVE) as file:
        file.extraction_filter = getattr(tarfile, "tar_filter", None)  # which Debian's 3.11.2 lacks
        file.extractall(home)  # noqa: S202 - our own archive
    if (home / "share/sources.sha256").read_text() != list_sources():
        yield f"{ARCHIVE.name} is of other sources than these: say `make runtime`"


def interpreter(home: Path) -> tuple[str, ...]:
    """Return what starts the runtime's interpreter as its launcher does, with an environment as it is."""
    loader, python = str(home / "lib/eightbells"), str(home / "bin/python3.11")
    return (loader, "--inhibit-cache", "--library-path", str(home / "lib"), "--argv0", python, python)
