"""Builds the images: the runtime first, then what it is copied into, each on a base that is pulled or made here."""

import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.images.builders import Builder, Order
from tools.images.recipes import EXECUTORS, FOLDER, RUNTIME, Recipe, Root
from tools.images.revision import Revision
from tools.images.roots import find_root, name_root
from tools.runtime.__main__ import DIST
from tools.runtime.target import TARGETS, Target, Unbuildable
from tools.runtime.tree import list_sources

LOCAL = "local"
"""In place of a base: one made here."""
PREFIX = "docker.io/library/eightbells-"
"""The full form of `eightbells-`, so that docker, buildah and containerd mean the same image by it."""


@dataclass(frozen=True)
class Built:
    """An image that was built; `base` is what it stands on, sizes are in bytes and unpacked."""

    name: str
    reference: str
    architecture: str
    size: int
    base: str | None
    base_size: int
    tar: str | None = None


def name_archive(target: Target) -> Path:
    """Where `make runtime` puts the runtime of an architecture."""
    return DIST / f"eightbells-runtime-{target.debian}.tar.xz"


def is_current(archive: Path) -> bool:
    """Whether it is there, and made of the sources that are here."""
    if not archive.exists():
        return False
    with tarfile.open(archive) as file:
        sources = file.extractfile("share/sources.sha256")
        return sources is not None and sources.read().decode() == list_sources()


def find_local() -> Target:
    """This machine's architecture. Raises `Unbuildable`."""
    for target in TARGETS.values():
        if target.is_local:
            return target
    raise Unbuildable(f"there is no runtime for this machine: take one of {' or '.join(TARGETS)}")


class Workshop:
    """Builds with one builder and for one revision, and says on stderr how far it is."""

    def __init__(self, builder: Builder, revision: Revision, say: Callable[[str], None] | None = None) -> None:
        self._builder = builder
        self._revision = revision
        self._say = say or (lambda text: print(text, file=sys.stderr, flush=True))

    def build(self, names: Sequence[str] = (), base: str | None = None) -> list[Built]:
        """Build the runtime's image and these, or all; the runtime of another architecture where there is one.

        `base` is what the executors stand on: a reference, `local`, or what each has of its own. Raises `Unbuildable`.
        """
        wanted = [EXECUTORS[name] for name in names if name != RUNTIME] if names else list(EXECUTORS.values())
        runtime = self._build_runtime(find_local())
        return [
            runtime,
            *([] if names else self._build_others()),
            *(self._build_executor(recipe, runtime, base) for recipe in wanted),
        ]

    def save(self, built: Sequence[Built], folder: Path) -> list[Built]:
        """Write a tar of each image into the folder, and return them with their tars."""
        folder.mkdir(parents=True, exist_ok=True)
        saved = []
        for image in built:
            tar = folder.resolve() / f"{image.reference.removeprefix(PREFIX).replace(':', '-')}.tar"
            self._say(f"saving {tar}")
            self._builder.save(image.reference, tar)
            saved.append(Built(**{**asdict(image), "tar": str(tar)}))
        return saved

    def _build_runtime(self, target: Target) -> Built:
        archive = name_archive(target)
        if not is_current(archive):
            raise Unbuildable(f"there is no {archive.name} of these sources in {DIST}: say `make runtime`")
        suffix = "" if target.is_local else f"-{target.debian}"
        arguments = {"ARCH": target.debian}
        built = self._build(RUNTIME, FOLDER / f"{RUNTIME}.Dockerfile", arguments, target, [archive], suffix=suffix)
        if built.size == archive.stat().st_size:  # dockerd without xz copies what it cannot unpack, and says nothing
            raise Unbuildable(f"{self._builder.name} does not unpack .tar.xz: install xz-utils where the engine runs")
        return built

    def _build_others(self) -> list[Built]:
        """The runtime of other architectures: what is missing, or what the builder cannot do, is said."""
        built = []
        for target in TARGETS.values():
            try:
                built += [] if target.is_local else [self._build_runtime(target)]
            except Unbuildable as problem:
                self._say(f"no image for {target.debian}: {problem}")
        return built

    def _build_executor(self, recipe: Recipe, runtime: Built, base: str | None) -> Built:
        chosen = self._find_base(recipe, base)
        arguments = {"BASE": chosen, "RUNTIME": runtime.reference}
        return self._build(recipe.name, recipe.dockerfile, arguments, find_local(), base=chosen)

    def _build(
        self,
        name: str,
        dockerfile: Path,
        arguments: Mapping[str, str],
        target: Target,
        files: Sequence[Path] = (),
        *,
        base: str | None = None,
        suffix: str = "",
    ) -> Built:
        reference = f"{PREFIX}{name}:{self._revision.tag}{suffix}"
        revision = self._revision
        labels = {"VERSION": revision.version, "REVISION": revision.commit, "CREATED": revision.created}
        self._say(f"building {reference}" + (f" on {base}" if base else ""))
        self._order(dockerfile.read_text(), files, reference, {**arguments, **labels}, target)
        measure = self._builder.measure
        return Built(name, reference, target.debian, measure(reference), base, measure(base) if base else 0)

    def _find_base(self, recipe: Recipe, wanted: str | None) -> str:
        """The base that was asked for, else the public one, else one that is made here."""
        reference = wanted or recipe.base
        if reference != LOCAL:
            if self._builder.find(reference) or self._builder.pull(reference):
                return reference
            if wanted:
                raise Unbuildable(f"{reference} cannot be pulled: name another image, or say --base {LOCAL}")
            self._say(f"{reference} cannot be pulled: making the like of it of Debian's packages")
        return self._make_base(recipe.root)

    def _make_base(self, root: Root) -> str:
        reference = f"{PREFIX}base:{name_root(root)}"
        if not self._builder.find(reference):
            self._say(f"making {reference}")
            tar = find_root(root)
            text = f'FROM scratch\nADD {tar.name} /\nENV PATH=/usr/local/bin:/usr/bin:/bin\nCMD ["sh"]\n'
            self._order(text, [tar], reference, {}, find_local())
        return reference

    def _order(
        self, text: str, files: Sequence[Path], reference: str, arguments: Mapping[str, str], target: Target
    ) -> None:
        """Build in a folder that has nothing but these files, so that nothing else can be copied."""
        with tempfile.TemporaryDirectory(prefix="eightbells-image-") as folder:
            for file in files:
                shutil.copy(file, folder)
            (Path(folder) / "Dockerfile").write_text(text)
            self._builder.build(Order(Path(folder), reference, arguments, self._revision.time, target.debian))
