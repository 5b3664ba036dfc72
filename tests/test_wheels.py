"""What users install: the wheels, built with the pinned backend and nothing from the network."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.test_repository import MEMBERS, ROOT

UV = Path(sys.prefix, "bin", "uv")


@pytest.fixture(scope="module", params=MEMBERS)
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """Build a member's wheel; return the member's directory and the names of the files in the wheel."""
    member, out = ROOT / request.param, tmp_path_factory.mktemp("dist")
    build = (UV, "build", "--quiet", "--offline", "--no-build-isolation", "--python", sys.executable, "--wheel")
    subprocess.run((*build, member, "--out-dir", out), check=True, timeout=25)
    (built,) = out.glob("*.whl")
    return member, {name for name in zipfile.ZipFile(built).namelist() if not name.endswith("/")}


def test_wheels_hold_the_whole_package_and_nothing_else(wheel: tuple[Path, set[str]]) -> None:
    """Every file of the packages is in the wheel, the Lua texts and py.typed too, and nothing of the namespace."""
    member, names = wheel
    there = {
        str(path.relative_to(member))
        for path in (member / "eightbells").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in names if ".dist-info/" not in name}
    assert packed == there
    assert any(name.endswith("/py.typed") for name in packed)
    assert member.name != "wrapper" or any(name.endswith("publish.lua") for name in packed)
    assert "eightbells/__init__.py" not in packed


def test_wheels_carry_the_licence(wheel: tuple[Path, set[str]]) -> None:
    """The licence goes with what it licenses."""
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel[1])
