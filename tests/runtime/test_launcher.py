"""The launcher as people meet it: installed into a volume, mounted where nothing may run, copied by halves."""

import shutil
import struct
import subprocess
from pathlib import Path

from tests.runtime.roots import LAUNCHER, Root
from tests.wrapper.wrapping import Wrapping
from tools.runtime.launcher import SOURCE

NOEXEC = ("-t", "tmpfs", "-o", "noexec,mode=755", "tmpfs")
NOBODY = 2_054_321


def test_it_is_short() -> None:
    """Whoever trusts the launcher with PID 1 reads it in five minutes: 100 lines, each of at most 120 letters."""
    lines = SOURCE.read_text().splitlines()
    assert len(lines) <= 100
    assert max(map(len, lines)) <= 120


def test_it_needs_nothing_of_the_image(runtime: Path) -> None:
    """It is static: no loader and no library is asked for."""
    binary = runtime.joinpath("bin/eightbells-wrapper").read_bytes()
    table, size, count = struct.unpack_from("<Q14xHH", binary, 32)
    kinds = {struct.unpack_from("<I", binary, at)[0] for at in range(table, table + size * count, size)}
    assert not kinds & {2, 3}  # PT_DYNAMIC, PT_INTERP


def test_it_installs_the_directory(init: Wrapping, bare: Root) -> None:
    """In an image without a shell, a random user copies all of it, whatever the umask; the copy works where it is."""
    volume = bare.path / "volume"
    volume.mkdir(mode=0o777)
    volume.chmod(0o777)
    install = bare.entry(LAUNCHER, "--install", "/volume", user=NOBODY, is_read_only=False)
    assert init.run(program=install, umask=0o077) == (0, b"", b"")
    assert contents(volume) == contents(bare.runtime)
    ran = init.run("/busybox", "echo", "works", program=bare.entry("/volume/bin/eightbells-wrapper", "--", user=54321))
    assert (ran.exit_code, ran.stdout) == (0, b"works\n")
    ran = init.run("/busybox", "true", program=bare.entry("/volume/eightbells/bin/eightbells-wrapper", "--"))
    assert ran.exit_code == 0


def test_it_installs_over_what_is_there_and_runs(init: Wrapping, runtime: Path, tmp_path: Path) -> None:
    """Installing again replaces every file, also while one of them is being executed."""
    launcher = [str(runtime / "bin/eightbells-wrapper")]
    copy = tmp_path / "eightbells"
    assert init.run("--install", str(copy), program=launcher).exit_code == 0
    running = init.start("cat", program=[str(copy / "bin/eightbells-wrapper"), "--"], stdin=subprocess.PIPE)
    assert running.command
    assert init.run("--install", str(copy), program=launcher) == (0, b"", b"")
    assert contents(copy) == contents(runtime)
    assert running.finish(b"still here").stdout == b"still here"


def test_it_says_that_a_volume_is_noexec(init: Wrapping, bare: Root) -> None:
    """Installing to where nothing can be executed ends with 126 and one line that says so."""
    (bare.path / "volume").mkdir()
    entry = bare.entry(LAUNCHER, "--install", "/volume", mounts=[(NOEXEC, "/volume")])
    assert init.run(program=entry) == (
        126, b"", b"eightbells-wrapper: /volume: is mounted noexec: nothing in it can be executed\n"
    )  # fmt: skip


def test_it_says_where_it_cannot_install(init: Wrapping, bare: Root) -> None:
    """Installing to where nothing can be written names the place and the reason."""
    entry = bare.entry(LAUNCHER, "--install", "/volume", is_read_only=True)
    assert init.run(program=entry) == (
        1, b"", b"eightbells-wrapper: cannot install to /volume: Read-only file system\n"
    )  # fmt: skip


def test_it_says_that_its_directory_is_noexec(init: Wrapping, bare: Root) -> None:
    """An interpreter that may not be executed is one line and 126, not a riddle."""
    there = (("--bind", "-o", "bind", str(bare.runtime / "lib")), "/eightbells/lib")
    remount = (("-o", "remount,bind,noexec"), "/eightbells/lib")
    assert init.run("/busybox", "true", program=bare.entry(mounts=[there, remount])) == (
        126, b"", b"eightbells-wrapper: /eightbells/lib/eightbells: cannot be executed: is it mounted noexec?\n"
    )  # fmt: skip


def test_it_says_that_it_was_copied_alone(init: Wrapping, runtime: Path, tmp_path: Path) -> None:
    """A launcher without its directory ends with 127 and what is missing."""
    (tmp_path / "bin").mkdir()
    alone = shutil.copy(runtime / "bin/eightbells-wrapper", tmp_path / "bin")
    ran = init.run("true", program=[alone, "--"])
    assert ran.exit_code == 127
    assert ran.stderr.decode() == (
        f"eightbells-wrapper: {tmp_path}/lib/eightbells: is not there: "
        "copy the whole directory, not the launcher alone\n"
    )


def test_it_says_that_the_directory_is_for_another_architecture(init: Wrapping, runtime: Path, tmp_path: Path) -> None:
    """Half a directory of one architecture and half of another ends with 126 and what to take."""
    copy = shutil.copytree(runtime, tmp_path / "eightbells", symlinks=True)
    loader = copy / "lib/eightbells"
    binary = bytearray(loader.read_bytes())
    binary[18:20] = struct.pack("<H", 243)  # e_machine: RISC-V, which nobody here is
    loader.write_bytes(binary)
    ran = init.run("true", program=[str(copy / "bin/eightbells-wrapper"), "--"])
    assert ran.exit_code == 126
    assert ran.stderr.count(b"\n") == 1
    assert b"is for another architecture" in ran.stderr


def test_it_names_one_directory(init: Wrapping, runtime: Path) -> None:
    """`--install` without a directory is a line, not a command to run."""
    ran = init.run("--install", program=[str(runtime / "bin/eightbells-wrapper")])
    assert ran == (2, b"", b"eightbells-wrapper: --install: name one directory\n")


def contents(folder: Path) -> dict[str, tuple[int, str | bytes]]:
    """Every file of a directory: its mode, and what is in it or where it leads."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }
