"""What the repository promises about itself, beyond what the tools of `make check` see."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MEMBERS = ("wrapper", "consumer", "dispatcher", "reconciler")
SOURCES = [
    path
    for top in (*MEMBERS, "tests", "tools", "bench", "examples")
    for path in sorted((ROOT / top).rglob("*.py"))
    if path.stat().st_size
]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def project(member: str) -> dict[str, object]:
    parsed: dict[str, object] = tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
    return parsed


def targets() -> set[str]:
    return set(re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))


def functions(source: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_make_alone_lists_every_target() -> None:
    """Whoever types `make` is told each target and what it is for."""
    listing = subprocess.run(("make", "-C", ROOT), check=True, capture_output=True, text=True).stdout
    told = dict(re.findall(r"^make ([a-z0-9-]+) +(\S.*)$", listing, re.MULTILINE))
    assert set(told) == targets()
    assert {"help", "setup", "demo", "test", "check", "bench"} <= set(told)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "CHANGELOG.md"])
def test_pages_name_targets_that_exist(page: str) -> None:
    """A page that says `make something` names a target of the Makefile."""
    if not (ROOT / page).exists():
        pytest.skip(f"there is no {page} yet")
    named = re.findall(r"^\s*make ([a-z0-9-]+)|`make ([a-z0-9-]+)", (ROOT / page).read_text(), re.MULTILINE)
    assert {first or second for first, second in named} <= targets()


@pytest.mark.parametrize("lock", LOCKS, ids=relative)
def test_locks_name_no_place(lock: Path) -> None:
    """A lock says which files, by hash, and never where from: any mirror will do."""
    assert not re.search(r"://|^--(?!hash)|^-[a-z]|@ *file|^/", lock.read_text(), re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=relative)
def test_locks_pin_all_that_is_asked_for(lock: Path) -> None:
    """Each requirement of the .in file is in the lock, and each of the lock has one version and its hashes."""
    asked = re.findall(r"^([a-z][a-z0-9_-]*)", lock.with_suffix(".in").read_text(), re.MULTILINE)
    pinned = re.findall(r"^([a-z0-9-]+)==\S+[^\n]* \\\n    --hash=sha256:", lock.read_text(), re.MULTILINE)
    assert {name.replace("_", "-") for name in asked} <= set(pinned)
    assert len(pinned) == len(re.findall(r"^[a-z]", lock.read_text(), re.MULTILINE))


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_there_is_no_other_lock() -> None:
    """No uv.lock is kept, because it names registry hosts."""
    kept = subprocess.run(("git", "-C", str(ROOT), "ls-files"), check=True, capture_output=True, text=True).stdout
    assert "requirements/dev.txt" in kept
    assert "uv.lock" not in kept


def test_the_namespace_belongs_to_nobody() -> None:
    """There is no eightbells/__init__.py, so that any distribution can be installed without the others."""
    assert (ROOT / "wrapper/eightbells").is_dir()
    assert [path for path in SOURCES if path.parts[-2:] == ("eightbells", "__init__.py")] == []


def test_distributions_go_together() -> None:
    """The distributions have one version, and each asks for the wrapper of just that version."""
    wrapper, *others = (project(member) for member in MEMBERS)
    for other in others:
        assert other["version"] == wrapper["version"]
        assert f"eightbells-wrapper[schema]=={wrapper['version']}" in str(other["dependencies"])


@pytest.mark.parametrize("group", ["console_scripts", "eightbells.commands"])
def test_entry_points_resolve(group: str) -> None:
    """Every command that the distributions announce is there and can be called."""
    ours = [point for point in entry_points(group=group) if point.value.startswith("eightbells.")]
    assert ours
    for point in ours:
        assert callable(point.load()), point


def test_changelog_is_open() -> None:
    """The changelog's first section takes what is not released yet."""
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] == "[Unreleased]"


@pytest.mark.parametrize("source", SOURCES, ids=relative)
def test_sources_keep_the_house_rules(source: Path) -> None:
    """A module says in at most ten lines what it is for, is not a place for leftovers, and its functions are short."""
    docstring = ast.get_docstring(ast.parse(source.read_text()))
    assert docstring, f"{relative(source)} does not say what it is for"
    assert len(docstring.splitlines()) <= 10, f"the docstring of {relative(source)} is longer than 10 lines"
    assert source.stem not in {"utils", "helpers", "base", "common", "manager"}
    long = [node.name for node in functions(source) if (node.end_lineno or 0) - node.lineno + 1 > 40]
    assert long == [], f"{relative(source)} has functions of more than 40 lines"


def test_tests_promise_something() -> None:
    """Every test says in its docstring what it promises."""
    silent = [
        f"{relative(source)}::{function.name}"
        for source in SOURCES
        if source.name.startswith("test_")
        for function in functions(source)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def test_the_suite_runs_on_the_projects_own_python() -> None:
    """The tests run with the packages of the environment that make created, not with whatever lies around."""
    assert Path(sys.prefix, ".stamp").exists(), "run the tests with `make test`"
