"""docs/dispatch.md says what every field is; its examples are dispatches, its limits and lists those of the code."""

import re
from pathlib import Path

import msgspec
import pytest
from eightbells.dispatcher import limits, syntax
from eightbells.dispatcher.deadline import LONGEST
from eightbells.dispatcher.dispatch import DURATIONS, Dispatch, Resources, SecretKey, read_dispatch
from eightbells.dispatcher.environment import TEMPLATE_MAY_SAY
from eightbells.dispatcher.job import build_job
from eightbells.dispatcher.security import KEPT
from eightbells.dispatcher.settings import Settings
from eightbells.dispatcher.template import JOB_CANNOT, MAIN_CANNOT, POD_CANNOT
from eightbells.events.contract.limits import CONTEXT_BYTES

PAGE = (Path(__file__).resolve().parents[2] / "docs/dispatch.md").read_text()
NONE = "-"


def rows(heading: str) -> dict[str, str]:
    """Name and default of each row below a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([a-z_]+)` \| `?(.+?)`? \|", section, re.MULTILINE))


@pytest.mark.parametrize(("heading", "kind"), [("Fields", Dispatch), ("Settings", Settings)])
def test_every_field_is_on_the_page(heading: str, kind: type[msgspec.Struct]) -> None:
    """The table has a row for each field, in its order, and for no other."""
    assert list(rows(heading)) == list(kind.__struct_fields__)


@pytest.mark.parametrize("name", Dispatch.__struct_fields__)
def test_default_of_a_field_is_the_one_on_the_page(name: str) -> None:
    """What holds where nothing is said."""
    said, default = rows("Fields")[name], getattr(Dispatch(image=""), name)
    if said == NONE:
        assert default in (None, "")
    elif name in DURATIONS:
        assert getattr(read_dispatch({"image": "", name: said}), name) == default
    else:
        assert msgspec.convert(msgspec.json.decode(said), type(default)) == default


@pytest.mark.parametrize("name", Settings.__struct_fields__)
def test_default_of_a_setting_is_the_one_on_the_page(name: str) -> None:
    """The same of what an installation decides."""
    said, default = rows("Settings")[name], getattr(Settings(cluster=""), name)
    if said == NONE:
        assert not default
    else:
        assert msgspec.convert(msgspec.json.decode(said), type(default)) == default


def test_fields_of_fields_are_on_the_page() -> None:
    """Resources and keys of Secrets have fields, too."""
    table = PAGE.partition("\n## Fields\n")[2].partition("\n## ")[0]
    for name in Resources.__struct_fields__:
        assert f"`{name}`" in table
    for name in SecretKey.__struct_fields__:
        assert f'"{name}": …' in table


def test_examples_are_dispatches() -> None:
    """Python and JSON say the same, and a Job is made of it."""
    (python,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    (document,) = re.findall(r"```json\n(.+?)```", PAGE, re.DOTALL)
    expression = python.partition("\n\n")[2]
    said = eval(expression, {"Dispatch": Dispatch, "Resources": Resources})
    assert said == read_dispatch(document)
    assert build_job(said, Settings(cluster="c"))


def test_limits_are_on_the_page() -> None:
    """Each size is written as it is in the code."""
    said = {int(number.replace(",", "")) for number in re.findall(r"\| ([\d,]+) (?:bytes|s)[ ,|]", PAGE)}
    assert said == {
        limits.STRING_BYTES - 1,
        limits.PROGRAM_BYTES,
        limits.OBJECT_BYTES,
        limits.ANNOTATION_BYTES,
        limits.INPUT_BYTES,
        syntax.PATH_BYTES,
        CONTEXT_BYTES,
        LONGEST,
    }


def test_lists_are_on_the_page() -> None:
    """What a profile keeps, what a template may say and what it cannot."""
    assert f"| capabilities | {', '.join(KEPT['standard'])} | none |" in PAGE
    template = PAGE.partition("\n## The template\n")[2].partition("\n## ")[0]
    for name in (*JOB_CANNOT, *POD_CANNOT, *MAIN_CANNOT):
        assert f"`{name}`" in template
    (said,) = re.findall(r"Of `EIGHTBELLS_…` only (.+?): the rest", template)
    assert set(re.split(r", | and ", said)) == {name.removeprefix("EIGHTBELLS_") for name in TEMPLATE_MAY_SAY}
