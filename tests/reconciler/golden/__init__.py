"""What `eightbells explain` says of each dump here, beside it as it was last read and found right."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from click.testing import CliRunner, Result
from eightbells.reconciler.commands.explain import explain

from tests.reconciler.cases import all_cases

DIRECTORY = Path(__file__).parent

WRAPPED = "exit_nonzero: the wrapper's own word in the termination message"
PROVISIONAL = "killed_137: a provisional record gives the output, never the verdict"

CASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "oom": (("recorded/oom",), ()),
    "not-yet": (("recorded/image-dns",), ()),
    "deleted": (("recorded/deleted",), ()),
    "policy": (("recorded/evicted",), ()),
    "deadline": (("recorded/deadline-unschedulable",), ()),
    "tail": ((WRAPPED,), ()),
    "provisional": ((PROVISIONAL,), ()),
    "several": (("recorded/exit-0", "recorded/no-account", "recorded/preempted"), ()),
    "all": (("recorded/exit-0", "recorded/no-account", "recorded/no-volume", "recorded/evicted"), ("--all",)),
    "message": (("recorded/exit-3",), ()),
    "redacted": (("recorded/exit-3",), ("--redact",)),
    "json": (("recorded/oom",), ("-o", "json")),
    "yaml": (("recorded/no-volume",), ("-o", "yaml")),
}
"""Which cases' objects are in the dump, and the options."""


def run(content: bytes | str, *options: str) -> Result:
    """Run the command on what it reads from stdin."""
    return CliRunner().invoke(explain, ["-f", "-", *options], input=content)


def make_list(*names: str) -> bytes:
    """A List of the objects of cases, as kubectl writes it."""
    known = {case.name: case.objects for case in all_cases()}
    return encode_list(one for name in names for one in known[name])


def encode_list(objects: Iterable[dict[str, Any]]) -> bytes:
    return msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def write_text(name: str) -> str:
    """What the command says of a golden case."""
    sources, options = CASES[name]
    result = run(make_list(*sources), *options)
    assert result.exit_code == 0, result.output
    return result.stdout
