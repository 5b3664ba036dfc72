"""Whose a pod is: its controller's, and where that has orphaned it, whose its labels say that it was."""

from collections.abc import Mapping, Sequence

from eightbells.reconciler.parts import Owner

CONTROLLER = ("batch.kubernetes.io/controller-uid", "controller-uid")
"""The label, and its older name."""


def owner_of(owners: Sequence[Owner] | None, labels: Mapping[str, str | None] | None) -> str:
    """Return the UID of the Job that a pod belongs to, or did; nothing where it never did."""
    known = owners or ()
    found = next((one for one in known if one.controller), known[0] if known else None)
    if found and found.uid:
        return found.uid
    return next((uid for name in CONTROLLER if (uid := (labels or {}).get(name))), "")
