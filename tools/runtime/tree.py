"""Assembles the directory: interpreter, libraries, standard library, hiredis, the wrapper and its launcher.

bin/eightbells-wrapper   the launcher, which is the entrypoint       lib/eightbells    the loader of our C library
bin/python3.11           the interpreter                             lib/python3.11/   every module, as byte code
share/                   what it is made of, and the licences        eightbells -> .   for a volume at /eightbells
"""

import hashlib
import shutil
from pathlib import Path

from tools.runtime import elf
from tools.runtime.contents import BLINDED, EXTENSIONS, LIBRARIES, MODULES
from tools.runtime.target import Target, Unbuildable

WRAPPER = Path(__file__).resolve().parents[2] / "wrapper"
OWN = ("eightbells/wrapper", "eightbells/events/contract")
"""Our packages that go into an image: the wrapper imports nothing else of ours."""

REPLACED = WRAPPER / "eightbells/wrapper/prctl.py"
"""What the runtime has in C instead."""

LAUNCHER = WRAPPER / "launcher"
BRINGER = LAUNCHER / "early.py"
"""What starts the wrapper in an image; and the module of it that brings others along."""

STDLIB = "lib/python3.11"


def assemble(tree: Path, target: Target, root: Path, wheel: Path) -> None:
    """Fill `tree` from the unpacked packages in `root` and the unpacked wheel of hiredis; modules are still sources."""
    for folder in ("bin", f"{STDLIB}/lib-dynload", "share/licenses"):
        (tree / folder).mkdir(parents=True)
    place_binaries(tree, target, root)
    for module in MODULES:
        _copy(root / f"usr/{STDLIB}/{module}.py", tree / f"{STDLIB}/{module}.py")
    place_hiredis(tree, wheel)
    for source in own_sources():
        _copy(source, tree / STDLIB / source.relative_to(WRAPPER))
    (tree / "eightbells").symlink_to(".")
    check_needs(tree, target)


def place_binaries(tree: Path, target: Target, root: Path) -> None:
    """Place interpreter, loader, libraries and extensions, each under the name it is looked up by."""
    shutil.copy(root / "usr/bin/python3.11", tree / "bin/python3.11")
    places = {"loader": ("eightbells", target.loader), **{name: (name, name) for name in LIBRARIES}}
    for name, (ours, theirs) in places.items():
        binary = _find(theirs, target, root).read_bytes()
        (tree / "lib" / ours).write_bytes(elf.blind(binary, BLINDED[name], theirs) if name in BLINDED else binary)
    for name in EXTENSIONS:
        file = f"{STDLIB}/lib-dynload/{name}.cpython-311-{target.triplet}.so"
        _copy(root / "usr" / file, tree / file)


def place_hiredis(tree: Path, wheel: Path) -> None:
    """Place the package; its extension comes with more debugging information than code."""
    for source in sorted(wheel.glob("hiredis/*")):
        if source.suffix == ".so":
            (tree / STDLIB / "hiredis").mkdir(exist_ok=True)
            (tree / STDLIB / "hiredis" / source.name).write_bytes(elf.strip(source.read_bytes()))
        elif source.suffix == ".py":
            _copy(source, tree / STDLIB / "hiredis" / source.name)
    (licence,) = wheel.glob("hiredis-*.dist-info/licenses/LICENSE")
    _copy(licence, tree / "share/licenses/hiredis")


def describe(tree: Path, archives: list[Path], wheel: Path, root: Path) -> None:
    """Write what the runtime is made of, and under which licences, into share/."""
    versions = [archive.stem.replace("%3a", ":").replace("_", " ") for archive in archives]
    (hiredis,) = wheel.glob("hiredis-*.dist-info")
    versions.append(hiredis.stem.replace("-", " "))
    (tree / "share/packages.txt").write_text("".join(f"{line}\n" for line in sorted(versions)))
    (tree / "share/sources.sha256").write_text(list_sources())
    _copy(WRAPPER / "LICENSE", tree / "share/licenses/eightbells-wrapper")
    for archive in archives:
        name = archive.name.partition("_")[0]
        _copy(root / f"usr/share/doc/{name}/copyright", tree / f"share/licenses/{name}")


def own_sources() -> list[Path]:
    """Every file of ours that goes into an image."""
    files = (path for package in OWN for path in (WRAPPER / package).rglob("*"))
    return sorted(path for path in files if path.suffix in (".py", ".lua") and path != REPLACED)


def list_sources() -> str:
    """Return the checksum of each file that the runtime is made from, what starts it too, as sha256sum writes them."""
    files = [*own_sources(), *(path for path in sorted(LAUNCHER.iterdir()) if path.suffix in (".c", ".py"))]
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(WRAPPER)}\n" for path in files)


def check_needs(tree: Path, target: Target) -> None:
    """Check that every library that something asks for is there, for the same machine. Raises `Unbuildable`."""
    files = [path for path in sorted(tree.rglob("*")) if path.is_file() and not path.is_symlink()]
    binaries = {path: path.read_bytes() for path in files if elf.read_machine(path) is not None}
    if len({elf.read_machine(path) for path in binaries}) != 1:
        raise Unbuildable(f"the binaries of {target.debian} are for several machines")
    for path, binary in binaries.items():
        missing = set(elf.read_needed(binary)) - {*LIBRARIES, target.loader}
        if missing:
            raise Unbuildable(f"{path.name} needs {', '.join(sorted(missing))}: add it to LIBRARIES in contents.py")
        if elf.has_search_path(binary):
            raise Unbuildable(f"{path.name} looks for libraries in a path of its own, which may be the image's")


def _find(name: str, target: Target, root: Path) -> Path:
    for folder in ("lib", "usr/lib"):
        path = root / folder / target.triplet / name
        if path.exists():
            return path
    raise Unbuildable(f"no package of {target.debian} holds {name}: add its package to PACKAGES in contents.py")


def _copy(source: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, copy)
