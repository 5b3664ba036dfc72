"""docs/vectors.jsonl and docs/protocol.md: what other languages build on is what the scripts do."""

import json
import re
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import redis
from eightbells.events import leasing, reporting
from eightbells.events.contract import scripts

from tests.bus.bus import Bus
from tests.servers.server import Server

DOCS = Path(__file__).parents[2] / "docs"
VECTORS = [json.loads(line) for line in (DOCS / "vectors.jsonl").read_text().splitlines()]
SEQUENCES = {name: list(calls) for name, calls in groupby(VECTORS, lambda call: call["sequence"])}
DAY_MS = 24 * 3_600_000


class Matcher:
    """Compares replies with what a sequence expects, and remembers what it calls by a name."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._named: dict[str, int] = {}

    def argument(self, value: Any) -> str:
        return str(self._named[value["$ref"]]) if isinstance(value, dict) else value

    def matches(self, expected: Any, got: Any) -> bool:
        if isinstance(expected, list):
            return (
                isinstance(got, list)
                and len(got) == len(expected)
                and all(self.matches(*pair) for pair in zip(expected, got, strict=True))
            )
        if isinstance(expected, dict):
            ((kind, name),) = expected.items()
            return self._is_a(kind, name, got)
        return bool((got.decode() if isinstance(got, bytes) else got) == expected)

    def _is_a(self, kind: str, name: str | bool, got: Any) -> bool:
        if kind == "$ref":
            return bool(got == str(self._named[str(name)]).encode())
        if kind == "$time":
            return isinstance(got, int) and abs(got - self._now) <= DAY_MS
        assert kind == "$int", f"protocol.md knows no {kind}"
        if isinstance(name, str):
            self._named[name] = got
        return isinstance(got, int) and got > 0


def call(bus: Bus, vector: dict[str, Any], matcher: Matcher) -> Any:
    args = [matcher.argument(value) for value in vector["args"]]
    command = "EVAL", scripts.text(vector["script"]), len(vector["keys"]), *vector["keys"], *args
    try:
        return bus.client.execute_command(*command)
    except redis.ResponseError as error:
        return {"$error": str(error)}


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_the_scripts_reply_as_the_vectors_say(server: Server, sequence: str) -> None:
    """Each call of the sequence gets the reply that the vectors promise to other languages."""
    bus = Bus(server, sequence)
    matcher = Matcher(bus.now())
    for vector in SEQUENCES[sequence]:
        got, expected = call(bus, vector, matcher), vector["reply"]
        if isinstance(expected, dict):
            assert expected["$error"].removeprefix("ERR ") in got["$error"], vector["name"]
        else:
            assert matcher.matches(expected, got), f"{vector['name']}: {got} is not {expected}"


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_sequence_keeps_to_its_namespace(sequence: str) -> None:
    """Sequences share no key, so they can be run in any order on one server."""
    for vector in SEQUENCES[sequence]:
        assert all(key.startswith("{eb:" + sequence + "}:") for key in vector["keys"])


WORDS: dict[str, frozenset[str]] = {
    "register": reporting._REGISTER,
    "cancel": reporting._CANCEL,
    "publish": reporting._PUBLISH | {"groups"},
    "heartbeat": reporting._BEAT,
    "look": reporting._LOOK,
    "begin": leasing._BEGIN,
    "renew": leasing._LEASE - {"dup"},
    "release": leasing._LEASE - {"dup"},
    "commit": leasing._LEASE,
    "dead": leasing._LEASE,
    "groups": leasing._GROUP,
}
"""What each script may answer."""


@pytest.mark.parametrize("script", scripts.NAMES)
def test_every_reply_has_a_vector(script: str) -> None:
    """There is a call for each word that a script may answer, but for `error`, which needs a broken server."""
    replies = [vector["reply"] for vector in VECTORS if vector["script"] == script and "$error" not in vector["reply"]]
    seen = {each[0] for reply in replies for each in (reply if isinstance(reply[0], list) else [reply])}
    assert seen - {"error"} == WORDS[script] - {"error"}


@pytest.mark.parametrize("script", scripts.NAMES)
def test_the_protocol_describes_every_script(script: str) -> None:
    """The section of each script names every word that it may answer with."""
    sections = re.split(r"^### ", (DOCS / "protocol.md").read_text(), flags=re.MULTILINE)[1:]
    (section,) = (text for text in sections if script in text.partition("\n")[0].split(", "))
    missing = {word for word in WORDS[script] - {"error"} if f"`{word}`" not in section}
    assert missing == set()
    assert "KEYS `cfg`" in section
    assert "ARGV" in section
