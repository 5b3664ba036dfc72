"""Images in memory and in files are one thing."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.cluster.oci import Image, busybox_image, make_image, read_image


@pytest.fixture
def image() -> Image:
    """An image of a file and a link."""
    return make_image({"bin/program": b"program", "bin/link": "program"}, Cmd=["/bin/program"])


@pytest.mark.parametrize("layout", ["docker", "oci"])
def test_an_image_is_read_as_it_was_saved(image: Image, tmp_path: Path, layout: str) -> None:
    """From either kind of tar come the same config and layers, so the same manifest."""
    read = read_image(save(image, tmp_path / "image.tar", layout))
    assert (read.manifest, read.settings) == (image.manifest, image.settings)
    assert b"".join(read.layers[0].read()) == b"".join(image.layers[0].read())


def test_a_busybox_image_has_its_names(tmp_path: Path) -> None:
    """The program is there once, and links to it under the names that were asked for."""
    (tmp_path / "busybox").write_bytes(b"program")
    image = busybox_image(tmp_path / "busybox", ("sh",), User="1000")
    with tarfile.open(fileobj=io.BytesIO(b"".join(image.layers[0].read()))) as layer:
        assert [(each.name, each.linkname, each.mode) for each in layer] == [
            ("bin/busybox", "", 0o755),
            ("bin/sh", "busybox", 0o755),
        ]
    assert image.settings["config"] == {"Env": ["PATH=/bin"], "Cmd": ["sh"], "User": "1000"}


def save(image: Image, path: Path, layout: str) -> Path:
    """Write the image as other programs do."""
    blobs = {f"blobs/{blob.digest.replace(':', '/')}": blob for blob in (image.config, image.manifest, *image.layers)}
    names = {blob.digest: name for name, blob in blobs.items()}
    listed: object = {"manifests": [image.manifest.descriptor]}
    if layout == "docker":
        listed = [{"Config": names[image.config.digest], "Layers": [names[each.digest] for each in image.layers]}]
    files = {name: b"".join(blob.read()) for name, blob in blobs.items()}
    files["manifest.json" if layout == "docker" else "index.json"] = json.dumps(listed).encode()
    with tarfile.open(path, "w") as file:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path
