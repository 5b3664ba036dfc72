"""Container images as a registry hands them out: a manifest and blobs, each known by the digest of its bytes.

An image is built in memory, of files, or read from what `docker save` or `buildah push docker-archive:` or
`oci-archive:` wrote. What is in a file stays there and is read when it is asked for.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"

CHUNK = 1 << 20
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
ARCHITECTURE = MACHINES.get(os.uname().machine, os.uname().machine)
"""This machine, as images name it."""


@dataclass(frozen=True)
class Blob:
    """Some bytes: here, or a part of a file."""

    media_type: str
    digest: str
    size: int
    content: bytes = b""
    file: Path | None = None
    offset: int = 0

    @classmethod
    def of(cls, media_type: str, content: bytes) -> Self:
        """Bytes that are here."""
        return cls(media_type, f"sha256:{hashlib.sha256(content).hexdigest()}", len(content), content)

    @classmethod
    def within(cls, media_type: str, file: Path, offset: int, size: int) -> Self:
        """These bytes of the file, which is read once for their digest."""
        unnamed = cls(media_type, "", size, file=file, offset=offset)
        sha256 = hashlib.sha256()
        for chunk in unnamed.read():
            sha256.update(chunk)
        return cls(media_type, f"sha256:{sha256.hexdigest()}", size, file=file, offset=offset)

    def read(self) -> Iterator[bytes]:
        """The bytes, in pieces."""
        if self.file is None:
            yield self.content
            return
        with self.file.open("rb") as file:
            file.seek(self.offset)
            left = self.size
            while left and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk

    @property
    def descriptor(self) -> dict[str, str | int]:
        """How a manifest names these bytes."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class Image:
    """One image for one platform."""

    config: Blob
    layers: tuple[Blob, ...]

    @cached_property
    def manifest(self) -> Blob:
        """What names config and layers."""
        layers = [layer.descriptor for layer in self.layers]
        return as_json(MANIFEST, {"schemaVersion": 2, "config": self.config.descriptor, "layers": layers})

    @property
    def settings(self) -> dict[str, Any]:
        """The config, decoded: `architecture`, `config` with `Entrypoint`, `Env`, `Labels` and `User`, …"""
        settings: dict[str, Any] = json.loads(b"".join(self.config.read()))
        return settings


def as_json(media_type: str, value: object) -> Blob:
    """The value as a blob."""
    return Blob.of(media_type, json.dumps(value, sort_keys=True).encode())


def make_index(manifest: Blob, architecture: str) -> Blob:
    """An index in which there is this image, and only for that architecture."""
    platform = {"architecture": architecture, "os": "linux"}
    entry = {**manifest.descriptor, "platform": platform}
    return as_json(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})


def make_image(files: Mapping[str, bytes | str], **config: object) -> Image:
    """An image of executable files by path, and links where the content is text; `config` is in the OCI's words."""
    layer = Blob.of(LAYER, pack(files))
    rootfs = {"type": "layers", "diff_ids": [layer.digest]}
    settings = {"architecture": ARCHITECTURE, "os": "linux", "config": config, "rootfs": rootfs}
    return Image(as_json(CONFIG, settings), (layer,))


def busybox_image(program: Path, names: Sequence[str] = ("sh", "sleep", "cat"), **config: object) -> Image:
    """An image of a static busybox, under its own name and these, all in /bin."""
    files: dict[str, bytes | str] = {"bin/busybox": program.read_bytes()}
    files |= {f"bin/{name}": "busybox" for name in names}
    return make_image(files, **{"Env": ["PATH=/bin"], "Cmd": ["sh"], **config})


def pack(files: Mapping[str, bytes | str]) -> bytes:
    """The files as a layer: the same bytes for the same files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as file:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.mode = 0o755
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                file.addfile(member)
            else:
                member.size = len(content)
                file.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def read_image(path: Path) -> Image:
    """The first image in a tar of `docker save`, or of an OCI layout. Raises ValueError where there is none."""
    with tarfile.open(path, "r:") as file:
        members = {member.name.removeprefix("./"): member for member in file}
        for name, read in (("manifest.json", _read_saved), ("index.json", _read_layout)):
            if name in members:
                listed = file.extractfile(members[name])
                assert listed is not None
                return read(path, members, json.load(listed))
    raise ValueError(f"{path} has neither manifest.json nor index.json: save it with `docker save` or `buildah push`")


def _read_saved(path: Path, members: Mapping[str, tarfile.TarInfo], listed: Any) -> Image:
    first = listed[0]
    layers = tuple(_take(path, members, LAYER, name) for name in first["Layers"])
    return Image(_take(path, members, CONFIG, first["Config"]), layers)


def _read_layout(path: Path, members: Mapping[str, tarfile.TarInfo], listed: Any) -> Image:
    """An index names manifests, and in a layout of many platforms a further index."""
    found = listed["manifests"][0]
    content = _take_described(path, members, found)
    document = json.loads(b"".join(content.read()))
    if "manifests" in document:
        return _read_layout(path, members, document)
    layers = tuple(_take_described(path, members, layer) for layer in document["layers"])
    return Image(_take_described(path, members, document["config"]), layers)


def _take_described(path: Path, members: Mapping[str, tarfile.TarInfo], descriptor: Mapping[str, str]) -> Blob:
    return _take(path, members, descriptor["mediaType"], f"blobs/{descriptor['digest'].replace(':', '/')}")


def _take(path: Path, members: Mapping[str, tarfile.TarInfo], media_type: str, name: str) -> Blob:
    member = members[name]
    while member.issym() or member.islnk():  # a layer that is there twice is stored once
        folder = Path(name).parent if member.issym() else Path()
        name = os.path.normpath(folder / member.linkname)
        member = members[name]
    return Blob.within(media_type, path, member.offset_data, member.size)
