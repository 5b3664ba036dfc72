"""docs/wrapper.md says what the wrapper does with every variable: no more, no less, and the defaults it has."""

import re
from pathlib import Path

import pytest
from eightbells.wrapper.document import RECORD
from eightbells.wrapper.environment import VARIABLES, Environment
from eightbells.wrapper.target import PLACE, Target

from tests.servers.server import Server
from tests.wrapper.wrapping import WRAPPER, Wrapping

PAGE = Path("docs/wrapper.md").read_text()
ROWS = dict(re.findall(r"^\| `EIGHTBELLS_([A-Z_]+)` \| `?(.+?)`? \|", PAGE, re.MULTILINE))
NONE = "-"


def defaults() -> dict[str, float | bool | str | None]:
    """What holds where a variable is not set; the attribute is what the rest of the wrapper reads."""
    told = Environment({b"EIGHTBELLS_DISPATCH_ID": b"d", b"EIGHTBELLS_URL": b"redis://h"}, pytest.fail)
    target = Target(told.variables)
    assert target.address is not None
    return {
        "CAPTURE": told.capture,
        "DRAIN": told.drain,
        "DUMPABLE": told.is_dumpable,
        "GRACE": told.grace,
        "HEARTBEAT": target.heartbeat,
        "NAMESPACE": target.namespace,
        "PUBLISH_TIMEOUT": told.publish_timeout,
        "RESERVE": told.reserve,
        "RESTART_COUNT": target.restart_count,
        "RESULT": target.result,
        "RESULT_REQUIRED": target.is_result_required,
        "RETRIES": target.retries,
        "SECURITY": target.security,
        "SINK_SYNC": target.is_synced,
        "STOP_IF_ENDED": target.stop_if_ended,
        "STREAM": told.is_streamed,
        "TERMINATION_LOG": target.termination_log,
        "TIMEOUT": told.timeout,
        "TLS_CA": target.address.ca,
        "TLS_CERT": target.address.certificate,
        "TLS_KEY": target.address.key,
        "TRACEPARENT": target.traceparent,
    }


def written(value: float | bool | str | None) -> str:
    """The default as the page writes it."""
    if isinstance(value, float):
        return f"{value:g}s"
    return NONE if value is None or value == "" else str(int(value)) if isinstance(value, bool | int) else value


def test_every_variable_is_on_the_page_once() -> None:
    """The table has a row for each variable that there is, and for no other."""
    names = re.findall(r"^\| `EIGHTBELLS_([A-Z_]+)` ", PAGE, re.MULTILINE)
    assert sorted(names) == sorted(VARIABLES)


@pytest.mark.parametrize("name", sorted(defaults()))
def test_the_defaults_are_those_of_the_page(name: str) -> None:
    """What holds where nothing is said is what the table says."""
    assert ROWS[name] == written(defaults()[name])


def test_what_is_told_of_the_place_has_no_default() -> None:
    """Nothing is made up about the place, nor about what is reported and where to."""
    rest = VARIABLES - set(defaults())
    assert rest >= set(PLACE.values()) | {"DISPATCH_ID", "URL"}
    assert {ROWS[name] for name in rest} == {NONE}


def test_the_termination_message_has_the_fields_of_the_page() -> None:
    """The table names each field of the record, and no other."""
    table = PAGE.partition("## The termination message")[2].partition("\n## ")[0]
    named = re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)))
    assert sorted(named) == sorted([*RECORD, "stdout", "stderr"])
    assert named[0] == RECORD[0]


def test_the_check_of_the_page_is_what_is_said(valkey: Server) -> None:
    """The lines that the page shows are those of --check, but for where the bus is."""
    wrapping = Wrapping({"EIGHTBELLS_URL": valkey.url})
    ran = wrapping.run("--check", program=WRAPPER[:-1])
    wrapping.close()
    host, port = valkey.url.removeprefix("redis://").removesuffix("/0").split(":")
    said = ran.stdout.decode().replace(f"{host}:{port}", "bus:6379").replace(f"{host} is {host}", "bus is 172.18.0.2")
    assert said in PAGE
