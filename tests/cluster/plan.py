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
    """`number` is its network's; `nodes` are the numbers of those it has; without its `owner` it has no purpose."""

    number: int
    nodes: tuple[int, ...]
    binaries: str
    owner: str

    @classmethod
    def exists(cls, directory: Path) -> bool:
        return (directory / FILE).exists()

    @classmethod
    def read(cls, directory: Path) -> Self:
        found = json.loads((directory / FILE).read_text())
        return cls(**{**found, "nodes": tuple(found["nodes"])})

    def write(self, directory: Path) -> None:
        new = directory / f"{FILE}.{os.getpid()}"
        new.write_text(json.dumps(asdict(self)))
        # Whole or not at all: others read it at any time.
        new.replace(directory / FILE)

    def with_node(self, index: int) -> Self:
        return replace(self, nodes=(*self.nodes, index))

    def without_node(self, index: int) -> Self:
        return replace(self, nodes=tuple(each for each in self.nodes if each != index))
