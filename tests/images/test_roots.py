"""The root file systems that images stand on where nothing can be pulled: what is left of what mmdebstrap makes."""

import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tools.images.__main__ import main, write_json, write_table
from tools.images.builders import Order
from tools.images.recipes import EXECUTORS, RUNTIME
from tools.images.revision import Revision, find_revision
from tools.images.roots import name_root, trim
from tools.images.workshop import Built, Workshop
from tools.runtime.target import Unbuildable
from tools.runtime.tree import list_sources

ROOT = EXECUTORS["executor-python"].root
GOOD = ("etc/passwd", "usr/bin/su", "usr/share/doc/bash/copyright", "var/lib/dpkg/status")
WASTE = (
    "etc/apt/sources.list",
    "etc/apt/sources.list.d/mirror.sources",
    "etc/hostname",
    "etc/resolv.conf",
    "usr/lib/python3/__pycache__/x.cpython-313.pyc",
    "usr/share/doc/bash/README",
    "usr/share/locale/de/bash.mo",
    "var/cache/apt/pkgcache.bin",
    "var/lib/apt/lists/mirror_Packages",
    "var/log/dpkg.log",
)


def pack(path: Path, files: dict[str, bytes]) -> Path:
    """A tar as mmdebstrap makes it, in which every file is setuid."""
    with tarfile.open(path, "w") as file:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size, member.mode = len(content), 0o4755
            file.addfile(member, io.BytesIO(content))
    return path


def test_a_root_keeps_what_is_used_and_gives_no_rights(tmp_path: Path) -> None:
    """Caches, lists, logs, byte code and the addresses of mirrors go, and with them every setuid bit."""
    made = pack(tmp_path / "made.tar", {name: name.encode() for name in (*GOOD, *WASTE)})
    trim(made, tmp_path / "trimmed.tar", is_busybox=False)
    with tarfile.open(tmp_path / "trimmed.tar") as file:
        kept = {member.name: (member.mode, file.extractfile(member)) for member in file}
        assert {name: (mode, content and content.read()) for name, (mode, content) in kept.items()} == {
            name: (0o755, name.encode()) for name in GOOD
        }


def test_a_root_of_busybox_is_one_program_with_many_names(tmp_path: Path) -> None:
    """Every name that the program says it has leads to it, and nothing else is there."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho busybox; echo cat; echo sh\n")
    made = pack(tmp_path / "made.tar", {"usr/bin/busybox": program.read_bytes(), "etc/hostname": b"x"})
    trim(made, tmp_path / "trimmed.tar", is_busybox=True)
    with tarfile.open(tmp_path / "trimmed.tar") as file:
        assert [(member.name, oct(member.mode), member.linkname) for member in file] == [
            ("bin", "0o755", ""),
            ("bin/busybox", "0o755", ""),
            ("bin/cat", "0o777", "busybox"),
            ("bin/sh", "0o777", "busybox"),
            ("tmp", "0o1777", ""),
        ]


def test_another_recipe_is_another_root() -> None:
    """One more package, and what is cached is not taken for it."""
    assert name_root(ROOT) == name_root(replace(ROOT))
    assert name_root(ROOT) != name_root(replace(ROOT, packages=("curl", *ROOT.packages)))


@pytest.mark.parametrize(
    ("commit", "tag"), [("0123456", "1.2.0-0123456"), ("0123456-dirty", "1.2.0-0123456-dirty"), ("", "1.2.0")]
)
def test_a_tag_names_version_and_commit(commit: str, tag: str) -> None:
    """Where there is no git, the version alone."""
    assert Revision("1.2.0", commit, 0).tag == tag


def test_the_time_of_a_build_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """SOURCE_DATE_EPOCH comes before the commit's own time."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert find_revision().created == "1970-01-02T00:00:00Z"


def test_the_table_says_what_the_list_says() -> None:
    """Each image once, with its size, and its base's: for people, and for programs."""
    built = [
        Built("runtime", "docker.io/library/eightbells-runtime:1", "amd64", 18_000_000, None, 0),
        Built("x", "docker.io/library/eightbells-x:1", "arm64", 99_500_000, "debian:13", 80_000_000, "/x.tar"),
    ]
    assert write_table(built).splitlines() == [
        "IMAGE                 FOR    SIZE     OF IT ITS BASE",
        "eightbells-runtime:1  amd64  18.0 MB  none",
        "eightbells-x:1        arm64  99.5 MB  80.0 MB, debian:13",
    ]
    assert [(each["reference"], each["size"], each["tar"]) for each in json.loads(write_json(built))] == [
        (image.reference, image.size, image.tar) for image in built
    ]


def test_an_unknown_image_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for an image that there is not, the tool names those that there are."""
    with pytest.raises(SystemExit, match="2"):
        main(["executor-cobol"])
    assert "there is no image 'executor-cobol': say runtime, executor-python" in capsys.readouterr().err


def test_without_a_builder_nothing_is_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where neither docker nor buildah is, one line says so and what to do."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["runtime"]) == 1
    assert capsys.readouterr().err == (
        "no images: there is no docker and there is no buildah: start a Docker engine, or install buildah\n"
    )


class Copier:
    """A builder whose engine copies the archives that it should unpack, as dockerd does without xz."""

    name = "copier"

    def reason_against(self) -> str | None:
        return None

    def build(self, order: Order) -> None:
        self._size = sum(file.stat().st_size for file in order.context.iterdir() if file.name != "Dockerfile")

    def find(self, reference: str) -> bool:
        return False

    def pull(self, reference: str) -> bool:
        return False

    def measure(self, reference: str) -> int:
        return self._size

    def save(self, reference: str, path: Path) -> None:
        raise NotImplementedError

    def remove(self, references: Sequence[str]) -> None:
        raise NotImplementedError


def test_an_engine_that_cannot_unpack_the_runtime_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An image with the packed archive in it is refused with what the engine lacks."""
    archive = tmp_path / "eightbells-runtime-amd64.tar.xz"
    with tarfile.open(archive, "w:xz") as file:
        content = list_sources().encode()
        member = tarfile.TarInfo("share/sources.sha256")
        member.size = len(content)
        file.addfile(member, io.BytesIO(content))
    monkeypatch.setattr("tools.images.workshop.name_archive", lambda target: archive)
    with pytest.raises(Unbuildable, match=r"copier does not unpack \.tar\.xz: install xz-utils"):
        Workshop(Copier(), Revision("1", "", 0), say=lambda text: None).build([RUNTIME])
