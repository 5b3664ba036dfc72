"""The published JSON Schema says of a document what the Structs say of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from eightbells.events import document
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.events.samples import WHOLE, bare

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/event.schema.json").read_text())
Steps = tuple[str | int, ...]


def plain() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(document.encode(WHOLE))
    return loaded


def changed(path: Steps, value: object) -> dict[str, Any]:
    """The whole event with one field set, or taken away where the value is `...`."""
    event: Any = plain()
    at = event
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    assert isinstance(event, dict)
    return event


def accepts(event: object) -> bool:
    return bool(Draft202012Validator(SCHEMA).is_valid(event))


def test_the_schema_is_one() -> None:
    """The file is a JSON Schema of the draft that it names."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("data", "mood"), "good"),
        (("eightbellsfuture",), {"deep": 1}),
        (("data", "code"), "moon_phase"),
        (("data", "code"), None),
        (("data", "place"), None),
        (("data", "place", "zone"), "b"),
        (("data", "result"), [1, {"a": None}]),
        (("data", "exit_code"), ...),
        (("traceparent",), ...),
    ],
)
def test_what_the_schema_takes_decodes(path: Steps, value: object) -> None:
    """Unknown fields and codes, nulls and absent fields pass the schema and decode."""
    event = changed(path, value)
    assert accepts(event)
    document.decode(json.dumps(event).encode())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("specversion",), "0.3"),
        (("specversion",), ...),
        (("id",), ...),
        (("source",), None),
        (("data",), ...),
        (("data", "dispatch_id"), ...),
        (("data", "reporter"), ...),
        (("data", "state"), "fine"),
        (("data", "fault"), "moon"),
        (("data", "retryable"), True),
        (("data", "charged"), "yes"),
        (("data", "exit_code"), "1"),
        (("data", "signal"), 9),
        (("data", "warnings"), "w"),
        (("data", "labels"), {"a": 1}),
        (("data", "attempts", 0, "run"), ...),
        (("data", "evidence", 0, "object"), 1),
        (("data", "stdout", "truncated"), "no"),
    ],
)
def test_what_the_schema_refuses_is_malformed(path: Steps, value: object) -> None:
    """A document that the schema refuses is refused by the decoder too."""
    event = changed(path, value)
    assert not accepts(event)
    with pytest.raises(document.Malformed):
        document.decode(json.dumps(event).encode())


def test_what_we_write_passes() -> None:
    """Every document that the encoder writes passes the schema."""
    assert accepts(plain())
    assert accepts(json.loads(document.encode(bare())))
