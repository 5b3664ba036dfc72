"""Outcomes in a file: one fault may be caused again, and the others need not."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from eightbells.events.schema import Data

from tests.drills.drill import Form
from tests.drills.ground import Outcome
from tests.drills.table import GROUPS


class Kept(msgspec.Struct):
    """An outcome, its drill by name."""

    drill: str
    form: Form
    data: Data | None
    problems: tuple[str, ...]
    to_status: float | None
    to_handler: float | None


def keep(outcomes: Sequence[Outcome], file: Path) -> list[Outcome]:
    """Put them into the file, over those of the same drill and form; return all that are there."""
    kept = {(one.drill, one.form): one for one in _read(file)}
    for one in outcomes:
        name = one.drill.name
        kept[name, one.form] = Kept(name, one.form, one.data, one.problems, one.to_status, one.to_handler)
    file.write_bytes(msgspec.json.encode(list(kept.values())))
    known = {drill.name: drill for group in GROUPS for drill in group.drills}
    return [
        Outcome(known[one.drill], one.form, one.data, one.problems, one.to_status, one.to_handler)
        for one in kept.values()
        if one.drill in known
    ]


def _read(file: Path) -> list[Kept]:
    return msgspec.json.decode(file.read_bytes(), type=list[Kept]) if file.exists() else []
