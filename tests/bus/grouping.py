"""The oracle's part that is about groups: who is on the list, and what is owed to whom outside of the usual way."""

from tests.bus.model import Model, Reply


def add(model: Model, group: str) -> Reply:
    if group in model.groups:
        return ("known",)
    return "ok", model.dormant.pop(group, 0)


def remove(model: Model, group: str) -> Reply:
    was_dormant = model.dormant.pop(group, None) is not None
    if model.groups.pop(group, None) is None and not was_dormant:
        return ("unknown",)
    model.unconsumed.discard(group)
    return "ok", len(model.queue(group))


def owe(model: Model, group: str, dispatch: str) -> str:
    record = model.records.get(dispatch)
    if group not in model.groups:
        return "unknown"
    if record is None or not record.ending:
        return "gone"
    lease = record.leases.get(group)
    if (lease and lease.is_settled) or dispatch in model.queue(group):
        return "known"
    model.queue(group).add(dispatch)
    record.owed += lease is None
    return "ok"


def drop(model: Model, group: str, dispatch: str) -> str:
    record = model.records.get(dispatch)
    if dispatch not in model.queue(group):
        return "known"
    model.queue(group).discard(dispatch)
    if record is None or not record.ending:
        return "gone"
    record.leases.pop(group, None)
    record.owed -= 1
    return "ok"
