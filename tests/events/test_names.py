"""The grammar of names, and the keys made of them."""

import inspect

import pytest
from eightbells.events.contract import keys
from eightbells.events.contract.keys import BadName

DISPATCHES = ["a", "0", "a" * 200, "A-Z.a_z:0@9/+-", "550e8400-e29b-41d4-a716-446655440000"]
NO_DISPATCHES = ["", "a" * 201, "-a", ".a", "/a", "a b", "a\n", "a\x00", "ä", "a{b}", "a*", "a?", "a%", "a\\"]
NAMES = ["a", "-", "0", "a" * 63, "my-bus-1"]
NO_NAMES = ["", "a" * 64, "A", "a_b", "a.b", "{a}", "a:b", "a b", "ä", "a\n"]
GROUPS = ["a", "A", "a" * 63, "my.group_1-b"]
NO_GROUPS = ["a" * 64, "a:b", "a b", "{a}", "ä", "a\n", "a*"]


@pytest.mark.parametrize("dispatch", DISPATCHES)
def test_dispatch_ids(dispatch: str) -> None:
    """A dispatch id is 1 to 200 of the allowed characters and begins with a letter or digit."""
    assert keys.check_dispatch(dispatch) == dispatch


@pytest.mark.parametrize("dispatch", NO_DISPATCHES)
def test_what_is_no_dispatch_id(dispatch: str) -> None:
    """Anything else is refused by an error that says what is allowed."""
    with pytest.raises(BadName, match="1 to 200 characters of A-Z a-z 0-9"):
        keys.check_dispatch(dispatch)


@pytest.mark.parametrize("namespace", NAMES)
def test_namespaces(namespace: str) -> None:
    """A bus namespace is 1 to 63 lower-case letters, digits and hyphens."""
    assert keys.prefix(namespace) == "{eb:" + namespace + "}:"


@pytest.mark.parametrize("namespace", NO_NAMES)
def test_what_is_no_namespace(namespace: str) -> None:
    """Anything else is no namespace, above all nothing that would change the hash tag."""
    with pytest.raises(BadName, match="1 to 63 characters of a-z 0-9 -"):
        keys.prefix(namespace)


@pytest.mark.parametrize("group", GROUPS)
def test_groups(group: str) -> None:
    """A group is 1 to 63 of its characters, and so is a cluster."""
    assert keys.check_group(group) == keys.check_cluster(group) == group


@pytest.mark.parametrize("group", NO_GROUPS)
def test_what_is_no_group(group: str) -> None:
    """Anything else is refused by an error that says what is allowed."""
    with pytest.raises(BadName, match="63 characters of A-Z a-z 0-9"):
        keys.check_group(group)
    with pytest.raises(BadName, match="63 characters of A-Z a-z 0-9"):
        keys.check_cluster(group)


def test_no_cluster_is_a_cluster() -> None:
    """Outside Kubernetes the cluster has no name; a group always has one."""
    assert keys.check_cluster("") == ""
    with pytest.raises(BadName):
        keys.check_group("")


def test_keys_share_one_slot() -> None:
    """Every key of a namespace begins with its hash tag, and no two are the same."""
    kinds = {name: make for name, make in inspect.getmembers(keys, inspect.isfunction) if make.__annotations__}
    made = [
        make(*["bus", "x"][: len(inspect.signature(make).parameters)])
        for name, make in kinds.items()
        if name not in {"prefix", "records"} and not name.startswith("check_")
    ]
    assert len(set(made)) == len(made) == 10
    assert all(key.startswith("{eb:bus}:") for key in made)
    assert keys.records("bus", ["x", "y"]) == [make("bus", one) for one in "xy" for make in (keys.record, keys.payload)]
