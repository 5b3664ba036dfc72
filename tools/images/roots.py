"""Root file systems made here of Debian's packages, for images to stand on where nothing can be pulled.

They are kept in ~/.cache/eightbells, or where XDG_CACHE_HOME says, under a hash of how they are made. In them is no
address of a package mirror, which may hold a password, no cache, list, log or byte code, and no program that is setuid.
"""

import hashlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tools.images.recipes import Root
from tools.runtime.__main__ import CACHE
from tools.runtime.target import Unbuildable

FOLDER = CACHE / "roots"
WASTE = re.compile(
    r"(.*/)?__pycache__(/.*)?|var/cache/.+|var/log/.+|var/lib/apt/lists/.+|(dev|run|tmp)/.+"
    r"|etc/apt/sources\.list(\.d/.+)?|etc/(hostname|resolv\.conf|machine-id)|var/lib/dpkg/.+-old"
    r"|usr/share/(man|info|locale|doc)/(?!.*copyright$).+"
)
RELEASED = 1754697600
"""The day of Debian 13. No file is younger, so that a root made twice of the same packages is the same bytes."""


def find_root(root: Root) -> Path:
    """Return the tar of the root, which is made if it is not there yet. Raises `Unbuildable`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name_root(root)}.tar"
    if not path.exists():
        with tempfile.TemporaryDirectory(prefix="eightbells-root-", dir=FOLDER) as work:
            made = Path(work) / "made.tar"
            debootstrap(root, made)
            trim(made, made.with_name("trimmed.tar"), is_busybox=root.is_busybox)
            made.with_name("trimmed.tar").rename(path)
    return path


def name_root(root: Root) -> str:
    """The name of a root: another for another content of the recipe, or of this file, which says what is left out."""
    content = hashlib.sha256(repr(root).encode() + Path(__file__).read_bytes()).hexdigest()
    return f"{root.suite}-{root.packages[-1] if root.packages else root.variant}-{content[:16]}"


def debootstrap(root: Root, path: Path) -> None:
    """Make the tar with mmdebstrap, from where this machine gets its own Debian. Raises `Unbuildable`."""
    if not shutil.which("mmdebstrap"):
        raise Unbuildable("there is no mmdebstrap to make an image's base with: install it, or say --base IMAGE")
    words = ["mmdebstrap", "--quiet", f"--variant={root.variant}", "--skip=output/dev"]
    if root.packages:
        words.append(f"--include={','.join(root.packages)}")
    words += [root.suite, str(path), *find_mirror()]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(RELEASED)}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        said = " ".join(done.stderr.split())[-400:]
        raise Unbuildable(f"mmdebstrap cannot make a root of Debian {root.suite}: is its mirror reachable? ({said})")


def find_mirror() -> list[str]:
    """Where this machine gets its own Debian from; nothing where it is not one, and mmdebstrap's default is used."""
    words = ("apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)", "Created-By: Packages")
    with suppress(OSError):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
        return [line[2] for line in lines if line[:2] == ["Debian", "Debian"]][:1]
    return []


def trim(made: Path, trimmed: Path, *, is_busybox: bool) -> None:
    """Copy the tar without what an image should not have."""
    with tarfile.open(made) as source, tarfile.open(trimmed, "w") as target:
        for member, content in choose_busybox(source) if is_busybox else choose_all(source):
            target.addfile(member, io.BytesIO(content))


def choose_all(source: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Everything that is no waste, and no file that gives its user more rights."""
    for member in source:
        member.name = member.name.removeprefix("./")
        if member.name in {"", "."} or WASTE.fullmatch(member.name):
            continue
        if not member.isdir():
            member.mode &= 0o777
        yield member, read_member(source, member)


def choose_busybox(source: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """The one program, links of all its names, and a place for temporary files."""
    program = next(member for member in source if member.isfile() and member.name.endswith("/bin/busybox"))
    content = read_member(source, program)
    yield make_member("bin", tarfile.DIRTYPE, 0o755), b""
    yield make_member("bin/busybox", tarfile.REGTYPE, 0o755, size=len(content)), content
    for name in list_names(content):
        yield make_member(f"bin/{name}", tarfile.SYMTYPE, 0o777, linkname="busybox"), b""
    yield make_member("tmp", tarfile.DIRTYPE, 0o1777), b""


def read_member(source: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """The bytes of a file; of anything else none."""
    file = source.extractfile(member) if member.isfile() else None
    return file.read() if file else b""


def make_member(name: str, kind: bytes, mode: int, *, size: int = 0, linkname: str = "") -> tarfile.TarInfo:
    """An entry of a tar, which belongs to root."""
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.size, member.linkname, member.mtime = kind, mode, size, linkname, RELEASED
    return member


def list_names(busybox: bytes) -> list[str]:
    """The names that the program goes by, as it says itself."""
    with tempfile.TemporaryDirectory(prefix="eightbells-busybox-") as folder:
        program = Path(folder) / "busybox"
        program.write_bytes(busybox)
        program.chmod(0o755)
        listing = subprocess.run((program, "--list"), capture_output=True, text=True, check=True).stdout
    return sorted(set(listing.split()) - {"busybox"})
