"""Archives of images that are written here."""

import hashlib
import json
import tarfile
from pathlib import Path

from tests.cluster.images import keep_archive, write_image


def test_an_archive_is_what_docker_save_writes(tmp_path: Path) -> None:
    """The manifest names config and layers, and the config has each layer's digest; directories come first."""
    write_image(tmp_path / "image.tar", "example.test/it:1", {"a/b/program": b"x"}, {"a/link": "/a/b/program"}, ["/a"])
    with tarfile.open(tmp_path / "image.tar") as archive:
        files = {member.name: (archive.extractfile(member) or member).read() for member in archive}  # type: ignore[union-attr]
    (manifest,) = json.loads(files["manifest.json"])
    assert manifest["RepoTags"] == ["example.test/it:1"]
    config = json.loads(files[manifest["Config"]])
    layers = [files[name] for name in manifest["Layers"]]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    (tmp_path / "layer.tar").write_bytes(layers[0])
    with tarfile.open(tmp_path / "layer.tar") as layer:
        assert layer.getnames() == ["tmp", "a", "a/b", "a/b/program", "a/link"]


def test_an_archive_is_kept_once(tmp_path: Path) -> None:
    """The same content again is no news, whatever its name."""
    kept = tmp_path / "kept"
    kept.mkdir()
    for name in ("one", "other"):
        (tmp_path / name).write_bytes(b"content")
    first = keep_archive(tmp_path / "one", kept)
    assert first
    assert first.read_bytes() == b"content"
    assert keep_archive(tmp_path / "other", kept) is None
