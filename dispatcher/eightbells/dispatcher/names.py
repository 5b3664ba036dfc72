"""The names of a dispatch on the cluster: its Job, its labels and annotations, and the fingerprint of its content.

The annotation with the dispatch id is the truth. The label is a hash, because an id may be longer than a label's value
and have other characters; it is on the Job and on its pods, and is what they are selected by.
"""

import re
import uuid
from hashlib import sha256
from typing import Any

import msgspec
from eightbells.dispatcher.dispatch import Dispatch, Resources, retype_dispatch

DOMAIN = "eightbells.io"

DISPATCH_LABEL = f"{DOMAIN}/dispatch"
"""The hash of the dispatch id; the selector of whoever watches."""

DISPATCH_ANNOTATION = f"{DOMAIN}/dispatch-id"
"""Of Job and pod: the id itself. A label of the same name is for people, where the id is a label's value."""

SPEC_ANNOTATION = f"{DOMAIN}/spec"
"""Of the Job: the fingerprint, which tells "submitted twice" from "another dispatch with this id"."""

WRAPPER_ANNOTATION = f"{DOMAIN}/wrapper"
"""Of the pod: it carries our wrapper, as the image's `entrypoint` or `injected`."""

RERUN_ANNOTATION = f"{DOMAIN}/rerun-of"
"""Of the Job: the dispatch that it is another go at, for people."""

START_TIMEOUT_ANNOTATION = f"{DOMAIN}/start-timeout"
"""Of the Job: the seconds in which it must have started, where the dispatch says some: so long the reconciler waits."""

EVIDENCE_FINALIZER = f"{DOMAIN}/ending"
"""Of the pod, where the installation keeps evidence: the reconciler takes it off once it has read the pod."""

CANCELLED_ANNOTATION = f"{DOMAIN}/cancelled-at"
"""Of the Job: when it was cancelled through us."""

SLUG = 40
"""Characters of the id in a Job's name: with the hash 51, and a pod's name adds up to 12 and stays below 63."""

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def job_name(bus_namespace: str, dispatch_id: str) -> str:
    """Return the name of the dispatch's Job: always the same, always a DNS label."""
    slug = re.sub(r"[^a-z0-9]+", "-", dispatch_id.lower())[:SLUG].strip("-")
    return f"{slug}-{label_of(bus_namespace, dispatch_id)[:10]}"


def label_of(bus_namespace: str, dispatch_id: str) -> str:
    """Return the value of the label: 32 hex digits."""
    return sha256(f"{bus_namespace}\0{dispatch_id}".encode()).hexdigest()[:32]


def is_label_value(text: str) -> bool:
    """Whether Kubernetes takes the text as the value of a label."""
    return bool(_LABEL_VALUE.fullmatch(text))


def fingerprint(dispatch: Dispatch) -> str:
    """Return the SHA-256 of what the dispatch says, whatever the order, and whatever version of us it is said to.

    A trace is left out: who submits again after a failure does so under another. Fields at their defaults are left out
    too, so a default that is written out is the same content, and a new field changes no fingerprint.
    """
    said = msgspec.structs.replace(retype_dispatch(dispatch), id="", traceparent=None, tracestate=None)
    return sha256(msgspec.json.encode(_without_defaults(said), order="sorted")).hexdigest()


def _without_defaults(said: msgspec.Struct) -> dict[str, Any]:
    """By equality: what msgspec itself leaves out of a number or a text is by identity."""
    kept = {}
    for field in msgspec.structs.fields(said):
        value = getattr(said, field.name)
        factory = field.default_factory
        if value != (field.default if factory is msgspec.NODEFAULT else factory()):
            kept[field.name] = _without_defaults(value) if isinstance(value, Resources) else value
    return kept


def new_id() -> str:
    """Return an id for a dispatch that has none."""
    return str(uuid.uuid4())
