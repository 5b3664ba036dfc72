"""What builds images: docker, where an engine answers, or buildah, which needs none."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tools.runtime.target import Unbuildable


@dataclass(frozen=True)
class Order:
    """An image to be built of a folder with a Dockerfile; every file of it is of this time, where the builder can."""

    context: Path
    reference: str
    arguments: Mapping[str, str]
    time: int
    architecture: str

    @property
    def options(self) -> list[str]:
        """What docker and buildah understand alike."""
        pairs = [word for name, value in self.arguments.items() for word in ("--build-arg", f"{name}={value}")]
        return [*pairs, "--tag", self.reference]

    @property
    def images(self) -> set[str]:
        """Those that it is built of."""
        return {self.arguments[name] for name in ("BASE", "RUNTIME") if name in self.arguments}


class Builder(Protocol):
    """Builds and keeps images."""

    name: str

    def reason_against(self) -> str | None:
        """Why it cannot be used here, in a line, or None."""

    def build(self, order: Order) -> None:
        """Build it of what is here already. Raises `Unbuildable`."""

    def find(self, reference: str) -> bool:
        """Whether the image is here."""

    def pull(self, reference: str) -> bool:
        """Fetch the image; False where it cannot be had."""

    def measure(self, reference: str) -> int:
        """The bytes of the image's layers, unpacked."""

    def save(self, reference: str, path: Path) -> None:
        """Write the image to a tar, as `docker save` does."""

    def remove(self, references: Sequence[str]) -> None:
        """Forget the images."""


class Docker:
    """The engine that DOCKER_HOST names, or this machine's. `caches` is whether a step is taken from earlier builds."""

    name = "docker"

    def __init__(self, *, caches: bool = True) -> None:
        self._options = [] if caches else ["--no-cache"]

    def reason_against(self) -> str | None:
        if not shutil.which("docker"):
            return "there is no docker"
        asked = run("docker", "version")
        return f"no Docker engine answers ({last_line(asked)})" if asked.returncode else None

    def build(self, order: Order) -> None:
        # BuildKit takes the time from the environment; the older builder has no way to be told.
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(order.time)}
        options = ["--platform", f"linux/{order.architecture}", *self._options, *order.options]
        expect(run("docker", "build", *options, str(order.context), environment=environment), order.reference)

    def find(self, reference: str) -> bool:
        return run("docker", "image", "inspect", reference).returncode == 0

    def pull(self, reference: str) -> bool:
        return run("docker", "pull", "--quiet", reference).returncode == 0

    def measure(self, reference: str) -> int:
        return int(expect(run("docker", "image", "inspect", "--format", "{{.Size}}", reference), reference))

    def save(self, reference: str, path: Path) -> None:
        expect(run("docker", "image", "save", "--output", str(path), reference), reference)

    def remove(self, references: Sequence[str]) -> None:
        run("docker", "image", "rm", "--force", *references)


class Buildah:
    """Buildah, in its own store or, given a folder, in one there. Nothing is run in a container of its own."""

    name = "buildah"

    def __init__(self, store: Path | None = None) -> None:
        self._options = ["--root", str(store / "root"), "--runroot", str(store / "run")] if store else []

    def reason_against(self) -> str | None:
        """An overlay over an overlay is refused by the kernel: vfs copies instead, and works everywhere."""
        if not shutil.which("buildah"):
            return "there is no buildah"
        asked = self._run("images")
        if asked.returncode:
            self._options += ["--storage-driver", "vfs"]
            asked = self._run("images")
        return f"buildah does not work ({last_line(asked)})" if asked.returncode else None

    def build(self, order: Order) -> None:
        options = [
            "--isolation",
            "chroot",
            "--pull-never",
            "--arch",
            order.architecture,
            "--timestamp",
            str(order.time),
        ]
        done = self._run("build", *options, *order.options, str(order.context))
        self._remove_stages(order)
        expect(done, order.reference)

    def find(self, reference: str) -> bool:
        return self._run("inspect", "--type", "image", reference).returncode == 0

    def pull(self, reference: str) -> bool:
        return self._run("pull", "--quiet", reference).returncode == 0

    def measure(self, reference: str) -> int:
        asked = self._run("inspect", "--type", "image", "--format", "{{.Manifest}}", reference)
        return sum(layer["size"] for layer in json.loads(expect(asked, reference))["layers"])

    def save(self, reference: str, path: Path) -> None:
        path.unlink(missing_ok=True)  # it would not write over one
        expect(self._run("push", "--quiet", reference, f"docker-archive:{path}"), reference)

    def remove(self, references: Sequence[str]) -> None:
        self._run("rmi", "--force", *references)

    def _remove_stages(self, order: Order) -> None:
        """Buildah 1.28 keeps the container of a stage without steps and its mount; its --force-rm takes the image."""
        listed = self._run("containers", "--json")
        stages = [each["id"] for each in json.loads(listed.stdout or "[]") or [] if each["imagename"] in order.images]
        if stages:
            self._run("rm", *stages)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run("buildah", *self._options, *words)


def choose_builder(name: str | None = None) -> Builder:
    """Return the one of this name, else the first that works. Raises `Unbuildable`."""
    builders: dict[str, Builder] = {builder.name: builder for builder in (Docker(), Buildah())}
    wanted = [builders[name]] if name else list(builders.values())
    reasons = []
    for builder in wanted:
        if not (reason := builder.reason_against()):
            return builder
        reasons.append(reason)
    raise Unbuildable(f"{' and '.join(reasons)}: start a Docker engine, or install buildah")


def run(*words: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program and keep what it says."""
    return subprocess.run(words, capture_output=True, text=True, check=False, env=environment)


def expect(done: subprocess.CompletedProcess[str], reference: str) -> str:
    """What a program said that did as it was told. Raises `Unbuildable`."""
    if done.returncode:
        words = " ".join(done.args[:1])
        raise Unbuildable(f"{words} failed over {reference}: {' '.join((done.stderr or done.stdout).split())[-600:]}")
    return done.stdout


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The last thing that a program said, which is why it failed."""
    return (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
