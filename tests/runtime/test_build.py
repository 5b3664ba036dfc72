"""What `make runtime` builds: for both architectures, small, the same each time, and complete."""

import os
import re
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from eightbells.wrapper.console import find_paths

from tools.runtime import elf
from tools.runtime.__main__ import DIST, find_target, main
from tools.runtime.archive import pack
from tools.runtime.bytecode import FIRST, find_early, interpreter
from tools.runtime.contents import LIBRARIES
from tools.runtime.target import TARGETS, Unbuildable

MACHINES = {"amd64": 62, "arm64": 183}
LARGEST = 8_000_000


@pytest.fixture(params=TARGETS)
def archive(request: pytest.FixtureRequest) -> Path:
    """The archive of each architecture that was built."""
    path = DIST / f"eightbells-runtime-{request.param}.tar.xz"
    if not path.exists():
        pytest.skip(f"{path.name} was not built: say `make runtime` without ARCHS")
    return path


def test_an_archive_is_small_and_opens_anywhere(archive: Path) -> None:
    """At most 8 MB with TLS; contents at the root, nobody's, of no time, readable by all; and the link."""
    assert archive.stat().st_size <= LARGEST
    with tarfile.open(archive) as file:
        members = file.getmembers()
    names = [member.name for member in members]
    assert names == sorted(names, key=lambda name: name.split("/"))
    assert {"bin/eightbells-wrapper", "lib/eightbells", "share/packages.txt", "share/licenses/hiredis"} < set(names)
    assert {(member.uid, member.gid, member.uname, member.gname, member.mtime) for member in members} == {
        (0, 0, "", "", 0)
    }
    assert {member.mode for member in members if not member.issym()} == {0o644, 0o755}
    assert [(member.name, member.linkname) for member in members if member.issym()] == [("eightbells", ".")]


def test_an_archive_is_for_one_machine_and_lacks_nothing(archive: Path) -> None:
    """Every binary is for its architecture, and every library that one asks for is in it, under the name asked for."""
    target = find_target(archive.name.removesuffix(".tar.xz").rpartition("-")[2])
    with tarfile.open(archive) as file:
        contents = {each.name: file.extractfile(each) for each in file if each.isfile()}
        binaries = {name: data for name, each in contents.items() if each and (data := each.read())[:4] == b"\x7fELF"}
    assert {struct.unpack_from("<H", binary, 18)[0] for binary in binaries.values()} == {MACHINES[target.debian]}
    needed = {library for binary in binaries.values() for library in elf.read_needed(binary)}
    assert {f"lib/{name}" for name in needed - {target.loader}} <= set(binaries)
    assert {name.rpartition("/")[2] for name in binaries} >= {
        *LIBRARIES,
        "python3.11",
        "eightbells",
        "eightbells-wrapper",
    }


def test_modules_are_byte_code_that_nobody_checks(runtime: Path) -> None:
    """No source is left whose time or text would decide; each module says that it is not to be compared with one."""
    assert list(runtime.rglob("*.py")) == []
    flags = {struct.unpack_from("<I", path.read_bytes(), 4)[0] for path in runtime.rglob("*.pyc")}
    assert flags == {0b01}


def test_one_file_brings_all_that_is_imported_before_the_spawn(runtime: Path) -> None:
    """The modules that the command waits for come along with the first, each after those that it imports."""
    early = find_early()
    ask = "import sys; sys.path += {paths!r}; import {modules}; print(*(name for name in sys.modules))"
    words = [sys.executable, "-ISBc", ask.format(paths=find_paths(), modules=", ".join(FIRST))]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert sorted(early) == sorted(name for name in loaded if name.startswith("eightbells."))
    files = {path.name.partition(".")[0] for path in runtime.glob("lib/python3.11/eightbells/wrapper/*")}
    assert not files & {name.rpartition(".")[2] for name in early}
    assert {"reporter", "prctl"} <= files


def test_what_brought_them_along_is_not_kept(runtime: Path) -> None:
    """The bytes that the modules were made from are gone: they would cost every container as much memory again."""
    start = interpreter(runtime / "lib/eightbells", str(runtime / "lib"), runtime / "bin/python3.11")
    ask = "import eightbells; print(sum(len(each) for each in vars(eightbells).values() if isinstance(each, bytes)))"
    done = subprocess.run([*start, "-X", "utf8", "-ISBc", ask], env={}, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_a_traceback_names_file_and_line(runtime: Path) -> None:
    """What goes wrong in a module that was brought along is said as in one that was found."""
    start = interpreter(runtime / "lib/eightbells", str(runtime / "lib"), runtime / "bin/python3.11")
    ask = "from eightbells.wrapper.launch import reveal; reveal(b'')"
    done = subprocess.run([*start, "-X", "utf8", "-ISBc", ask], env={}, capture_output=True, text=True, check=False)
    assert re.search(r'"/eightbells/lib/python3.11/eightbells/wrapper/launch.py", line \d+, in reveal', done.stderr)


def test_the_same_directory_is_the_same_bytes(tmp_path: Path) -> None:
    """Times, owners, stray modes and the order of the directory change nothing in the archive."""
    packed = []
    for number, names in enumerate((["a", "b/c"], ["b/c", "a"])):
        tree = tmp_path / str(number)
        for name in names:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(name)
            (tree / name).chmod((0o600, 0o664)[number])
            os.utime(tree / name, (number, number))
        pack(tree, tmp_path / f"{number}.tar.xz")
        packed.append((tmp_path / f"{number}.tar.xz").read_bytes())
    assert packed[0] == packed[1]


def test_a_path_that_cannot_be_blinded_stops_the_build(runtime: Path) -> None:
    """Another version of a library, which hides its paths elsewhere, is refused and not shipped as it is."""
    library = runtime.joinpath("lib/libc.so.6").read_bytes()
    assert b"/etc/nsswitch.conf\0" not in library
    with pytest.raises(Unbuildable, match=r"libc\.so\.6 holds '/etc/nsswitch\.conf' 0 times, not once"):
        elf.blind(library, ("/etc/nsswitch.conf",), "libc.so.6")


def test_stripping_keeps_all_that_is_loaded(runtime: Path) -> None:
    """What is stripped still names its libraries, and stripping it again changes nothing."""
    (extension,) = runtime.glob("lib/python3.11/hiredis/*.so")
    binary = extension.read_bytes()
    assert "libc.so.6" in elf.read_needed(binary)
    assert elf.strip(binary) == binary


def test_an_unknown_architecture_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for an architecture that there is not, the build names those that there are, and makes nothing."""
    assert main(["sparc"]) == 1
    assert capsys.readouterr().err == "no runtime: there is no architecture 'sparc': say amd64 or arm64\n"
