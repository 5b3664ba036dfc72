"""What all Kubernetes objects have in common: metadata, conditions, and that everything may be absent or null."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Struct

Time = Annotated[datetime, msgspec.Meta(tz=True)]

Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""As the API has them; no arithmetic of ours fails on one."""


class Part(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A piece of an object; unknown fields are ignored, and absent ones take no room where it is packed."""


class Owner(Part, frozen=True):
    """An entry of `ownerReferences`."""

    kind: str | None = None
    name: str | None = None
    uid: str | None = None
    controller: bool | None = None


class Metadata(Part, frozen=True):
    """What every object has."""

    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    deletion_grace_period_seconds: Int | None = None
    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None
    owner_references: tuple[Owner, ...] | None = None
    finalizers: tuple[str, ...] | None = None


class Condition(Part, frozen=True):
    """A condition of a Job, Pod or Node."""

    type: str | None = None
    status: str | None = None
    reason: str | None = None
    message: str | None = None
    last_transition_time: Time | None = None

    @property
    def is_true(self) -> bool:
        """Whether it holds; `False` and `Unknown` are there too, with the reason that once held."""
        return self.status == "True"


class Thing(Part, frozen=True):
    """An object of the API."""

    metadata: Metadata = Metadata()

    @property
    def name(self) -> str:
        """Its name, `?` where it has none."""
        return self.metadata.name or "?"

    @property
    def uid(self) -> str:
        """Its UID, or nothing."""
        return self.metadata.uid or ""

    @property
    def annotations(self) -> dict[str, str | None]:
        """Its annotations."""
        return self.metadata.annotations or {}


Conditioned = TypeVar("Conditioned", bound=Condition)


def named(conditions: Iterable[Conditioned] | None, kind: str) -> Conditioned | None:
    """Return the condition of that type."""
    return next((one for one in conditions or () if one.type == kind), None)
