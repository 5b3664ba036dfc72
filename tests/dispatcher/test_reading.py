"""A dispatch as a document: a line of a file, or what another program wrote."""

from typing import Any

import msgspec
import pytest
from eightbells.dispatcher.dispatch import Dispatch, Resources, SecretKey, read_dispatch
from eightbells.dispatcher.errors import Refused

from tests.dispatcher.golden import CASES


def test_document_is_a_dispatch() -> None:
    """JSON text, bytes and a dictionary are the same dispatch."""
    document = {"image": "x", "resources": {"memory": "1Gi"}, "secret_env": {"A": {"secret": "s", "key": "k"}}}
    wanted = Dispatch(image="x", resources=Resources(memory="1Gi"), secret_env={"A": SecretKey("s", "k")})
    written = msgspec.json.encode(document)
    assert read_dispatch(document) == read_dispatch(written) == read_dispatch(written.decode()) == wanted


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_read(name: str) -> None:
    """Nothing is lost between a dispatch and its document."""
    dispatch = CASES[name][0]
    assert read_dispatch(msgspec.json.encode(dispatch)) == dispatch


@pytest.mark.parametrize(
    ("field", "said", "seconds"),
    [
        ("timeout", "500ms", 0.5),
        ("timeout", "1.5m", 90),
        ("timeout", 90, 90),
        ("start_timeout", "2h", 7200),
        ("grace", " 30s ", 30),
        ("ttl", "1d", 86400),
        ("ttl", 600, 600),
    ],
)
def test_durations_are_written_as_people_do(field: str, said: Any, seconds: float) -> None:
    """A number of seconds, or a number with its unit."""
    assert getattr(read_dispatch({"image": "x", field: said}), field) == seconds


@pytest.mark.parametrize(
    ("document", "field", "words"),
    [
        (b"{", "dispatch", "JSON"),
        (b"\xff", "dispatch", "JSON"),
        (b'{"image": "\xff"}', "dispatch", "JSON"),
        ("[" * 100_000, "dispatch", "JSON"),
        ([], "dispatch", "object"),
        ({}, "dispatch", "`image`"),
        ({"image": 5}, "image", "str"),
        ({"picture": "x", "image": "x"}, "dispatch", "picture"),
        ({"image": "x", "resources": {"memory": 5}}, "resources.memory", "str"),
        ({"image": "x", "resources": {"ram": "5"}}, "resources", "ram"),
        ({"image": "x", "args": ["a", 5]}, "args[1]", "str"),
        ({"image": "x", "security": "none"}, "security", "none"),
        ({"image": "x", "timeout": "soon"}, "timeout", "30s"),
        ({"image": "x", "timeout": "5"}, "timeout", "30s"),
        ({"image": "x", "ttl": "500ms"}, "ttl", "int"),
        ({"image": "x", "retries": 1.5}, "retries", "int"),
        ({"image": "x", "inject": 1}, "inject", "bool"),
    ],
)
def test_wrong_documents_are_refused_with_the_path(document: Any, field: str, words: str) -> None:
    """What is wrong, and where; never a decoder's own error."""
    with pytest.raises(Refused) as caught:
        read_dispatch(document)
    assert caught.value.field == field
    assert words in str(caught.value)
