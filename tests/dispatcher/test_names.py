"""Names, labels and fingerprints of dispatches."""

import re

import msgspec
import pytest
from eightbells.dispatcher.dispatch import Dispatch, Resources, read_dispatch
from eightbells.dispatcher.names import fingerprint, is_label_value, job_name, label_of, new_id
from eightbells.events.contract.keys import check_dispatch
from hypothesis import given
from hypothesis import strategies as st

from tests.dispatcher.building import dispatch

WHOLE = msgspec.json.decode(msgspec.json.encode(msgspec.structs.asdict(dispatch())))
"""Every field, as a program writes it that knows of no defaults."""

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,199}", fullmatch=True)


@given(IDS)
def test_every_id_names_a_job(dispatch_id: str) -> None:
    """Whatever the id, the Job's name is a DNS label that leaves room for a pod's."""
    name = job_name("default", dispatch_id)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert len(name) <= 51


@pytest.mark.parametrize(
    ("dispatch_id", "slug"),
    [
        ("eval-1", "eval-1"),
        ("Eval/Run:42", "eval-run-42"),
        ("a" * 200, "a" * 40),
        ("9._:@/+-", "9"),
        ("a" * 39 + ".b", "a" * 39),
    ],
)
def test_name_begins_like_the_id(dispatch_id: str, slug: str) -> None:
    """People find the Job by its name; the hash keeps apart what looks the same."""
    assert job_name("default", dispatch_id) == f"{slug}-{label_of('default', dispatch_id)[:10]}"


def test_namespaces_of_the_bus_keep_ids_apart() -> None:
    """The same id in two namespaces of the bus is two Jobs, also where the two run together into the same text."""
    assert job_name("a", "d") != job_name("b", "d")
    assert label_of("a", "bc") != label_of("ab", "c")


@given(st.text(max_size=70))
def test_label_values_are_those_of_kubernetes(text: str) -> None:
    """Only what the API server takes is used as a label."""
    assert is_label_value(text) == bool(re.fullmatch(r"(?=.{1,63}$)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?\Z", text))


def test_fingerprint_is_of_the_content() -> None:
    """Id and trace do not count, nor the order, nor how a number is written; everything else does."""
    first = dispatch(
        id="a", env={"A": "1", "B": "2"}, timeout=60, traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    )
    assert fingerprint(first) == fingerprint(dispatch(id="b", env={"B": "2", "A": "1"}, timeout=60.0))
    assert fingerprint(first) != fingerprint(dispatch(env={"A": "1", "B": "3"}, timeout=60))


@pytest.mark.parametrize("written", [{"ttl": 3600}, {"grace": 30}, {"grace": "30s"}, {"start_timeout": 1200.0}, WHOLE])
def test_a_default_that_is_written_out_is_the_same_content(written: dict[str, object]) -> None:
    """Whether a caller says what we would have taken anyway changes no fingerprint."""
    said = {"image": "busybox:1.36", "command": ["true"]}

    assert fingerprint(read_dispatch({**written, **said})) == fingerprint(read_dispatch(said))
    assert fingerprint(read_dispatch({**written, **said, "ttl": 3601})) != fingerprint(read_dispatch(said))


@pytest.mark.parametrize(
    "field", [name for name in Dispatch.__struct_fields__ if name not in {"id", "traceparent", "tracestate"}]
)
def test_fingerprint_counts_every_field(field: str) -> None:
    """No field can be changed and the dispatch be taken for the same."""
    other: dict[str, object] = {
        "resources": Resources(cpu="1"),
        "inject": True,
        "stream": True,
        "on_disruption": "fail",
        "security": "image",
        "result": "optional",
        "template": {"kind": "Job"},
        "command": ("false",),
        "args": ("x",),
    }
    kinds = {"env": {"A": "b"}, "labels": {"A": "b"}, "inputs": {"A": "b"}}
    secrets = {name: {"A": {"secret": "s", "key": "k"}} for name in ("secret_env", "secret_files")}
    numbers = {"timeout": 7.0, "start_timeout": 7.0, "grace": 7.0, "retries": 7, "ttl": 700}
    value = (other | kinds | secrets | numbers).get(field, "other")
    changed = msgspec.convert({**msgspec.to_builtins(dispatch()), field: value}, Dispatch)
    assert fingerprint(changed) != fingerprint(dispatch())


def test_new_ids_are_ids() -> None:
    """An id that we give is one that the bus takes, and no other has it."""
    assert check_dispatch(new_id()) != new_id()
