"""What a cluster is made of, on disk: whoever reads it has the same cluster at hand."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

ROOT = Path("/var/lib/eightbells-test")
"""A directory for each cluster of this machine; gone with the last one."""

FILE = "plan.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """`number` is its network's; it has so many `nodes`, and `spares` by their numbers; its `owner` may end it."""

    number: int
    nodes: int
    binaries: str
    owner: str
    spares: tuple[int, ...] = ()

    @classmethod
    def exists(cls, directory: Path) -> bool:
        return (directory / FILE).exists()

    @classmethod
    def read(cls, directory: Path) -> Self:
        found = json.loads((directory / FILE).read_text())
        return cls(**{**found, "spares": tuple(found.get("spares", ()))})

    def write(self, directory: Path) -> None:
        new = directory / f"{FILE}.{os.getpid()}"
        new.write_text(json.dumps(asdict(self)))
        # Whole or not at all: others read it at any time.
        new.replace(directory / FILE)

    def with_spare(self, index: int) -> Self:
        return replace(self, spares=(*self.spares, index))

    def without_spare(self, index: int) -> Self:
        return replace(self, spares=tuple(each for each in self.spares if each != index))
