"""Images that one builder has built, and how a container of one is started: strictly, by an engine or without one."""

import os
import subprocess
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from tests.cluster.oci import Image, read_image
from tests.images.contents import unpack
from tests.runtime.roots import Root
from tools.images.builders import Buildah, Builder, Docker, Order
from tools.images.revision import Revision
from tools.images.workshop import LOCAL, PREFIX, Built, Workshop

REVISION = Revision("0.0.0", f"test{os.getpid()}", 1_700_000_000)
VOLUME = "/volume"
STRICT = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=host")
OURS = ("EIGHTBELLS_DISPATCH_ID", "EIGHTBELLS_URL")
"""What a wrapper is told; docker takes the values from its own environment."""


class Bench:
    """All images, built on bases that are made here, and their tars: in one folder, and in the builder."""

    def __init__(self, builder: Builder, folder: Path) -> None:
        self.builder = builder
        self._folder = folder
        self._workshop = Workshop(builder, REVISION)
        self._images: dict[str, Image] = {}
        self._roots: dict[str, Root] = {}

    @cached_property
    def built(self) -> dict[str, Built]:
        """Each image by name and, where it is for another machine, architecture. Raises `Unbuildable`."""
        return self.build("first")

    def build(self, name: str) -> dict[str, Built]:
        """Build all of them, under the same references as ever, and save them under a name of their own."""
        saved = self._workshop.save(self._workshop.build(base=LOCAL), self._folder / name)
        return {f"{each.name}{'-arm64' if each.architecture == 'arm64' else ''}": each for each in saved}

    def build_on(self, base: str) -> None:
        """Build on this base. Raises `Unbuildable`."""
        self._workshop.build(["executor-any"], base)

    def build_text(self, name: str, text: str) -> None:
        """Build an image of a Dockerfile that needs no file; it can then be started by this name."""
        context = self._folder / name
        context.mkdir()
        (context / "Dockerfile").write_text(text)
        built = replace(self.built["executor-any"], name=name, reference=f"{PREFIX}{name}:{REVISION.tag}")
        self.builder.build(Order(context, built.reference, {}, REVISION.time, built.architecture))
        (self.built[name],) = self._workshop.save([built], context)

    def image(self, name: str) -> Image:
        """What was saved of an image."""
        if name not in self._images:
            self._images[name] = read(self.built[name])
        return self._images[name]

    def start(self, name: str, user: int, volume: Path | None = None) -> list[str]:
        """The words that start a container of the image as it says itself, but as this user, without any right.

        Its root is read-only, and the volume, if any, is not.
        """
        if self.builder.name == "docker":
            mounts = [f"--volume={volume}:{VOLUME}"] if volume else []
            environment = [f"--env={name}" for name in OURS]
            options = [*STRICT, f"--user={user}:{user}", *mounts, *environment]
            return ["docker", "run", "--rm", *options, self.built[name].reference]
        config = self.image(name).settings["config"]
        mounted = [(("--bind", str(volume)), VOLUME)] if volume else []
        return self._root(name).entry(
            *config["Entrypoint"], environment=config["Env"], user=user, is_read_only=True, mounts=mounted
        )

    def close(self) -> None:
        """Remove every image, and the bases."""
        built = self.__dict__.get("built", {}).values()
        self.builder.remove(sorted({each for image in built for each in (image.reference, image.base) if each}))
        # Buildah mounts its store on itself, once and for all.
        subprocess.run(("umount", str(self._folder / "store/root/overlay")), capture_output=True, check=False)

    def _root(self, name: str) -> Root:
        """Without an engine, an image is unpacked, and gets the places that every container has."""
        if name not in self._roots:
            path = unpack(self.image(name), self._folder / "roots" / name)
            for place in ("proc", VOLUME.lstrip("/")):
                (path / place).mkdir(exist_ok=True)
            self._roots[name] = Root(path, path / "eightbells")
        return self._roots[name]


def make_builder(name: str, folder: Path) -> Builder:
    """A builder that takes nothing from earlier builds."""
    return Docker(caches=False) if name == "docker" else Buildah(folder / "store")


def read(built: Built) -> Image:
    """What was saved."""
    assert built.tar
    return read_image(Path(built.tar))
