"""Which images there are, what each stands on, and what stands in for that where nothing can be pulled."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "images"
RUNTIME = "runtime"


@dataclass(frozen=True)
class Root:
    """A root file system that mmdebstrap makes of Debian's packages."""

    suite: str
    variant: str
    packages: tuple[str, ...] = ()
    is_busybox: bool = False
    """Keep nothing but busybox, under all its names."""


@dataclass(frozen=True)
class Recipe:
    """One image: its Dockerfile, the public image that it stands on, and the root that can stand in."""

    name: str
    base: str
    root: Root

    @property
    def dockerfile(self) -> Path:
        return FOLDER / f"{self.name}.Dockerfile"


EXECUTORS = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "executor-python",
            "docker.io/library/python:3.13-slim",
            Root("trixie", "minbase", ("ca-certificates", "python3")),
        ),
        Recipe("executor-debian", "docker.io/library/debian:13-slim", Root("trixie", "minbase")),
        Recipe(
            "executor-any",
            "docker.io/library/busybox:stable-musl",
            Root("trixie", "extract", ("busybox-static",), is_busybox=True),
        ),
    )
}
"""The images with a command in them; the runtime's own image stands on nothing."""
