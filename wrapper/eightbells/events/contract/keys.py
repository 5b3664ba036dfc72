"""The names of every key on the bus.

A bus namespace is one hash tag, so all its keys live in one slot and every script is atomic on a cluster too.
"""

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_ID = _LETTERS | frozenset("._:@/+-")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_GROUP = _LETTERS | frozenset("._-")


class BadName(ValueError):
    """A dispatch id, namespace, group or cluster is not one: says which, and what is allowed."""


def check_dispatch(dispatch: str) -> str:
    """Return the dispatch id, 1 to 200 bytes of `[A-Za-z0-9._:@/+-]` that begin with a letter or digit."""
    if not 0 < len(dispatch) <= 200 or dispatch[0] not in _LETTERS or not _ID.issuperset(dispatch):
        raise BadName(
            f"dispatch id {dispatch[:60]!r} is not 1 to 200 characters of A-Z a-z 0-9 . _ : @ / + - "
            "that begin with a letter or digit"
        )
    return dispatch


def check_namespace(namespace: str) -> str:
    """Return the bus namespace, 1 to 63 characters of `[a-z0-9-]`."""
    if not 0 < len(namespace) <= 63 or not _NAME.issuperset(namespace):
        raise BadName(f"bus namespace {namespace[:80]!r} is not 1 to 63 characters of a-z 0-9 -")
    return namespace


def check_group(group: str) -> str:
    """Return the group name, 1 to 63 characters of `[A-Za-z0-9._-]`."""
    if not 0 < len(group) <= 63 or not _GROUP.issuperset(group):
        raise BadName(f"group {group[:80]!r} is not 1 to 63 characters of A-Z a-z 0-9 . _ -")
    return group


def check_cluster(cluster: str) -> str:
    """Return the cluster's name, at most 63 characters of `[A-Za-z0-9._-]`; empty outside Kubernetes."""
    if len(cluster) > 63 or not _GROUP.issuperset(cluster):
        raise BadName(f"cluster {cluster[:80]!r} is not at most 63 characters of A-Z a-z 0-9 . _ -")
    return cluster


def prefix(namespace: str) -> str:
    """What every key of the namespace begins with."""
    return "{eb:" + check_namespace(namespace) + "}:"


def cfg(namespace: str) -> str:
    """Hash: schema version, ages, version of the group list, each group and when it was registered."""
    return prefix(namespace) + "cfg"


def log(namespace: str) -> str:
    """Stream: every accepted event, trimmed by age."""
    return prefix(namespace) + "ev"


def record(namespace: str, dispatch: str) -> str:
    """Hash: what is known of a dispatch, its verdict, and each group's lease; lives as long as the verdict."""
    return prefix(namespace) + "d:" + check_dispatch(dispatch)


def payload(namespace: str, dispatch: str) -> str:
    """Hash: the bulky part of the record: documents, labels, context, callback; lives as long as the payload."""
    return prefix(namespace) + "p:" + check_dispatch(dispatch)


def records(namespace: str, dispatches: list[str]) -> list[str]:
    """Return the record and the payload of each dispatch, as the scripts take them."""
    start, names = prefix(namespace), []
    for dispatch in dispatches:
        check_dispatch(dispatch)
        names += [start + "d:" + dispatch, start + "p:" + dispatch]
    return names


def todo(namespace: str, group: str) -> str:
    """Sorted set, the queue of a group: an ending owed, by the server time (ms) at which it is next due."""
    return prefix(namespace) + "todo:" + check_group(group)


def open_(namespace: str, cluster: str) -> str:
    """Sorted set: a dispatch that has not ended, by the server time (ms) at which somebody should look."""
    return prefix(namespace) + "open:" + check_cluster(cluster)


def done(namespace: str) -> str:
    """Sorted set: ended dispatches by acceptance time (server ms)."""
    return prefix(namespace) + "done"


def dead_letters(namespace: str, group: str) -> str:
    """Stream: endings that a group's handler could not take."""
    return prefix(namespace) + "dlq:" + check_group(group)


def heartbeat(namespace: str, dispatch: str) -> str:
    """String with a TTL: the last sign of life of the dispatch's wrapper."""
    return prefix(namespace) + "hb:" + check_dispatch(dispatch)


def output(namespace: str, dispatch: str) -> str:
    """Stream with a TTL: live output chunks."""
    return prefix(namespace) + "out:" + check_dispatch(dispatch)
