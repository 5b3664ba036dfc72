"""What one feature of a dispatch adds to its pod; the pod is the template and the sum of the parts."""

from collections.abc import Iterable
from functools import reduce
from typing import Any

from msgspec import Struct

Manifest = dict[str, Any]
"""An object of Kubernetes, or a piece of one, as its JSON."""

RESERVED = "eightbells-"
"""What the names of our volumes and containers begin with, and those of nobody else."""


class Part(Struct, frozen=True, kw_only=True):
    """Volumes of the pod, and where main mounts them; variables of main; annotations of the pod; init containers."""

    volumes: tuple[Manifest, ...] = ()
    mounts: tuple[Manifest, ...] = ()
    env: dict[str, str] = {}
    annotations: dict[str, str] = {}
    init: tuple[Manifest, ...] = ()


def join_parts(parts: Iterable[Part]) -> Part:
    """Return the sum of the parts, in their order."""
    return reduce(_add, parts, Part())


def _add(one: Part, other: Part) -> Part:
    return Part(
        volumes=one.volumes + other.volumes,
        mounts=one.mounts + other.mounts,
        env=one.env | other.env,
        annotations=one.annotations | other.annotations,
        init=one.init + other.init,
    )
