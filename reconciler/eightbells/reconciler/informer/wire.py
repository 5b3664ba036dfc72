"""What comes over the wire, in two steps: what it is, and only then the object, for a BOOKMARK and an ERROR are none.

Everything may be absent or null; of an object that cannot be decoded its head still says which it is.
"""

import msgspec
from eightbells.reconciler.informer.errors import Status
from eightbells.reconciler.informer.views import Kind
from eightbells.reconciler.marks import DISPATCH_LABEL
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.parts import Metadata, Part
from msgspec import Raw, Struct

BROKEN = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
"""What decoding and packing raise for something that is not what it should be, whatever that is."""

PREFIX: dict[Kind, str] = {"jobs": "/apis/batch/v1", "pods": "/api/v1"}

PAGE = "500"


class WireMetadata(Metadata, frozen=True):
    """An object's metadata, with its version, which no rule reads."""

    resource_version: str | None = None


class WireJob(Job, frozen=True):
    """A Job as it comes."""

    metadata: WireMetadata = WireMetadata()


class WirePod(Pod, frozen=True):
    """A pod as it comes."""

    metadata: WireMetadata = WireMetadata()


class HeadMetadata(Part, frozen=True):
    """As much of an object's metadata as is needed to know it."""

    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None


class Head(Struct, frozen=True):
    """Which object it is, and in which version."""

    metadata: HeadMetadata = HeadMetadata()


class Envelope(Struct, frozen=True):
    """A line of a watch."""

    type: str
    object: Raw


class PageMetadata(Struct, frozen=True, rename="camel"):
    """Where a list goes on, and which version it is."""

    resource_version: str | None = None
    more: str | None = msgspec.field(name="continue", default=None)


class Page(Struct, frozen=True):
    """A page of a list."""

    metadata: PageMetadata = PageMetadata()
    items: tuple[Raw, ...] | None = None


JOBS = msgspec.json.Decoder(WireJob)
PODS = msgspec.json.Decoder(WirePod)
STATUSES = msgspec.json.Decoder(Status)
HEADS = msgspec.json.Decoder(Head)
ENVELOPES = msgspec.json.Decoder(Envelope)
PAGES = msgspec.json.Decoder(Page)


def path_of(kind: Kind, scope: str) -> str:
    """Return where the objects of a scope are."""
    return f"{PREFIX[kind]}/namespaces/{scope}/{kind}" if scope else f"{PREFIX[kind]}/{kind}"


def list_parameters(more: str | None) -> dict[str, str]:
    """Return what a page is asked for with: no version, so that it is the newest."""
    asked = {"labelSelector": DISPATCH_LABEL, "limit": PAGE}
    return asked | {"continue": more} if more else asked


def watch_parameters(version: str, seconds: int) -> dict[str, str]:
    """Return what a watch is asked for with."""
    return {
        "labelSelector": DISPATCH_LABEL,
        "watch": "1",
        "allowWatchBookmarks": "true",
        "resourceVersion": version,
        "timeoutSeconds": str(seconds),
    }
