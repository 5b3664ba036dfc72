"""The generated files are those that their sources make now."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from eightbells.events.contract import scripts
from eightbells.events.contract.digests import SHA1

ROOT = Path(__file__).parents[2]
LUA = ROOT / "wrapper/eightbells/events/contract/lua"


def test_generated_files_are_current() -> None:
    """The digests and the JSON Schema are what `make generate` would write."""
    done = subprocess.run(
        (sys.executable, "-m", "tools.generate", "--check"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_script_has_a_digest() -> None:
    """Each Lua file has a digest and each digest a file."""
    assert {path.stem for path in LUA.glob("*.lua")} == set(SHA1) == set(scripts.NAMES)


@pytest.mark.parametrize("name", scripts.NAMES)
def test_digests_are_of_the_texts_sent(name: str) -> None:
    """The digest that EVALSHA names is that of the text that EVAL brings along."""
    assert hashlib.sha1(scripts.text(name).encode()).hexdigest() == SHA1[name]


@pytest.mark.parametrize("name", scripts.NAMES)
def test_scripts_say_what_they_may_do(name: str) -> None:
    """Each script tells the server that it declares its keys; only publish and register are refused at maxmemory."""
    first, second, *_ = scripts.text(name).splitlines()
    assert first == ("#!lua" if name in {"publish", "register"} else "#!lua flags=allow-oom")
    assert second.startswith(f"-- {name}: ")


@pytest.mark.parametrize("name", scripts.NAMES)
def test_scripts_do_not_read_payloads(name: str) -> None:
    """No script parses a document: a broken or large one costs the server nothing."""
    assert "cjson" not in scripts.text(name)
    assert "cmsgpack" not in scripts.text(name)
