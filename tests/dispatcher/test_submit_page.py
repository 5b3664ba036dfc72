"""docs/submit.md: the table of exit codes is the enum, and the commands and the snippet are ones that exist."""

import ast
import re
from pathlib import Path

import click
import pytest
from eightbells.cli.exits import Exit
from eightbells.cli.main import installed
from eightbells.dispatcher import commands, errors
from eightbells.dispatcher.commands.exits import ERRORS, FAULTS, exit_of_verdict
from eightbells.dispatcher.errors import DispatcherError
from eightbells.events.contract.codes import CODES
from eightbells.events.schema import Verdict

PAGE = Path(__file__).resolve().parents[2] / "docs/submit.md"
TEXT = PAGE.read_text()


def test_the_table_is_every_exit_code_there_is() -> None:
    """Number and name, none forgotten and none invented."""
    rows = re.findall(r"^\| (\d+) \| ([A-Z_]+) \| \S", TEXT, re.MULTILINE)

    assert [(int(number), name) for number, name in rows] == [(one.value, one.name) for one in Exit]


def test_every_error_has_an_exit_code() -> None:
    """A new kind of error needs one."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DispatcherError)]

    for kind in kinds:
        assert kind is DispatcherError or any(one in ERRORS for one in kind.__mro__), kind


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict("completed", "exited_zero", 0, fault="none"), 0),
        (Verdict("completed", "completed_without_report", fault="none"), 0),
        (Verdict("failed", "exit_nonzero", 7, fault="user"), 7),
        (Verdict("failed", "signalled", 139, "SIGSEGV", fault="user"), 139),
        (Verdict("failed", "oom_killed", 137, "SIGKILL", fault="resource"), 137),
        (Verdict("failed", "deadline_exceeded", 143, fault="user"), 143),
        (Verdict("failed", "deadline_exceeded", fault="user"), Exit.FAILED),
        (Verdict("failed", "result_invalid", 0, fault="user"), Exit.FAILED),
        (Verdict("failed", "node_lost", fault="infra"), Exit.INFRA),
        (Verdict("failed", "drained", 143, fault="infra"), Exit.INFRA),
        (Verdict("failed", "command_not_found", 127, fault="config"), Exit.CONFIG),
        (Verdict("failed", "quota_exceeded", fault="dependency"), Exit.DEPENDENCY),
        (Verdict("failed", "cancelled", 143, fault="cancelled"), Exit.CANCELLED),
        (Verdict("failed", "cause_lost", fault="unknown"), Exit.UNKNOWN),
        (Verdict("failed"), Exit.UNKNOWN),
    ],
    ids=lambda one: f"{one.code}-{one.exit_code}" if isinstance(one, Verdict) else "",
)
def test_the_exit_code_is_the_commands_own_where_it_is_to_blame(verdict: Verdict, code: int) -> None:
    """And one of the table where it is not, also where there is an exit code."""
    assert exit_of_verdict(verdict) == code


def test_every_fault_has_an_exit_code() -> None:
    """A new fault needs one."""
    assert {fault for fault, *_ in CODES.values()} - {"none", "unknown", None} <= set(FAULTS)


def test_the_commands_of_the_page_have_the_options_that_it_gives_them() -> None:
    """Each `--option` of a command line there is one of that command."""
    lines = re.findall(r"^\$ eightbells (\w+) (.*)$", TEXT, re.MULTILINE)
    assert {name for name, _ in lines} == {"submit", "cancel", "get"}
    for name, rest in lines:
        command = installed()[name].load()
        known = {option for one in command.params if isinstance(one, click.Option) for option in one.opts}
        assert set(re.findall(r"(--[a-z-]+)", rest.split(" -- ")[0])) <= known


def test_the_snippet_is_python_that_imports_what_there_is() -> None:
    """Every name that it takes from the package is there."""
    (snippet,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    taken = [node for node in ast.walk(ast.parse(snippet)) if isinstance(node, ast.ImportFrom)]
    package = __import__("eightbells.dispatcher", fromlist=["Dispatcher"])

    assert taken
    for name in (alias.name for node in taken for alias in node.names):
        assert hasattr(package, name)
    assert commands.__doc__


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT))))
def test_what_the_page_links_to_is_there(target: str) -> None:
    """No link leads nowhere."""
    assert (PAGE.parent / target).exists()
