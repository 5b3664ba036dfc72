"""What is in an image, seen without an engine: its layers, one over the other, as files or as a directory."""

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.cluster.oci import Blob, Image

REMOVED = ".wh."
"""How a layer says that something of an earlier one, which everybody can still read there, is to be hidden."""


class File(NamedTuple):
    """All of a file but its time."""

    kind: bytes
    mode: int
    owner: tuple[int, int]
    link: str
    digest: str


@contextmanager
def open_layer(layer: Blob) -> Iterator[tarfile.TarFile]:
    """A layer of an image that was read from a file."""
    assert layer.file is not None
    with layer.file.open("rb") as file:
        file.seek(layer.offset)
        with tarfile.open(fileobj=file, mode="r|") as packed:
            yield packed


def list_files(image: Image) -> dict[str, File]:
    """Every path in the image."""
    return {name: file for layer in image.layers for name, file in list_layer(layer)}


def list_layer(layer: Blob) -> Iterator[tuple[str, File]]:
    """Every path in a layer."""
    with open_layer(layer) as packed:
        for member in packed:
            content = packed.extractfile(member) if member.isreg() else None
            digest = hashlib.sha256(content.read()).hexdigest() if content else ""
            name = member.name.removeprefix("./").rstrip("/")
            yield name, File(member.type, member.mode & 0o7777, (member.uid, member.gid), member.linkname, digest)


def unpack(image: Image, folder: Path) -> Path:
    """Fill the folder with what a container would see. Needs root."""
    for layer in image.layers:
        with open_layer(layer) as packed:
            packed.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)  # which Debian's 3.11.2 lacks
            packed.extractall(folder)
    return folder
