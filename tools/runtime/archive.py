"""Packs the directory: the same directory is always the same bytes."""

import lzma
import os
import stat
import tarfile
from pathlib import Path


def pack(tree: Path, archive: Path) -> None:
    """Write the contents of the directory, sorted, nobody's, with one time and the plainest modes."""
    time = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = time
        if not member.issym():
            member.mode = 0o755 if member.isdir() or member.mode & stat.S_IXUSR else 0o644
        return member

    made = archive.with_suffix(".part")
    with (
        lzma.open(made, "wb", preset=9 | lzma.PRESET_EXTREME) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as file,
    ):
        for path in sorted(tree.rglob("*")):
            file.add(path, str(path.relative_to(tree)), recursive=False, filter=plain)
    made.replace(archive)
