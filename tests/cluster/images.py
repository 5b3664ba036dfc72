"""Images made here, without a builder: the pause container, and one with busybox for tests that need nothing else."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

PAUSE = "eightbells.test/pause:1"
BUSYBOX = "eightbells.test/busybox:1"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_pause(path: Path) -> None:
    """The parent of a pod's processes: Debian's static catatonit, as `/pause`."""
    write_image(path, PAUSE, {"pause": find_program("catatonit")}, {}, ["/pause", "-P"])


def write_busybox(path: Path) -> None:
    """One static program under all its names, about 2 MB, whatever user runs it."""
    program = find_program("busybox")
    names = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    links = {f"bin/{name}": "/bin/busybox" for name in names if name != "busybox"}
    write_image(path, BUSYBOX, {"bin/busybox": program}, links, ["/bin/sh"])


def keep_archive(archive: Path, directory: Path) -> Path | None:
    """Put an archive under its digest into a directory; nothing where it already is."""
    with archive.open("rb") as file:
        kept = directory / f"{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}.tar"
    if kept.exists():
        return None
    try:
        kept.hardlink_to(archive)
    except OSError:  # on another file system
        shutil.copyfile(archive, kept)
    return kept


def find_program(name: str) -> Path:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not found:
        raise FileNotFoundError(f"no {name} on PATH: tests/cluster/packages.sh names its package")
    return Path(found)


def write_image(
    path: Path, name: str, files: Mapping[str, Path | bytes], links: Mapping[str, str], entrypoint: list[str]
) -> None:
    """Write an archive as `docker save` does, of one layer."""
    layer = _pack_layer(files, links)
    config = {
        "architecture": ARCHITECTURES.get(os.uname().machine, os.uname().machine),
        "os": "linux",
        "config": {"Entrypoint": entrypoint, "Env": ["PATH=/bin:/usr/bin"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        _add(archive, "layer.tar", layer)
        _add(archive, "config.json", json.dumps(config).encode())
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def _pack_layer(files: Mapping[str, Path | bytes], links: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as layer:
        _add_directory(layer, "tmp", 0o1777)
        for name in sorted({str(place) for each in (*files, *links) for place in Path(each).parents} - {"."}):
            _add_directory(layer, name, 0o755)
        for name, content in files.items():
            _add(layer, name, content.read_bytes() if isinstance(content, Path) else content, 0o755)
        for name, target in links.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            layer.addfile(link)
    return packed.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    archive.addfile(info, io.BytesIO(content))


def _add_directory(archive: tarfile.TarFile, name: str, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    archive.addfile(info)
