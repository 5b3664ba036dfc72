"""`python -m tools.runtime [ARCHITECTURE…]`: builds dist/eightbells-runtime-<architecture>.tar.xz, by default for all.

Every program in it is built or taken for each architecture; those of this machine's own are also executed. What is
downloaded is kept in ~/.cache/eightbells, or where XDG_CACHE_HOME says.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.runtime.archive import pack
from tools.runtime.bytecode import check_imports, compile_modules
from tools.runtime.contents import COMPILER_PACKAGES, HEADER_PACKAGES, PACKAGES
from tools.runtime.launcher import compile_extension, compile_launcher
from tools.runtime.packages import Packages, check_machine, unpack
from tools.runtime.target import TARGETS, Target, Unbuildable
from tools.runtime.tree import assemble, describe

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eightbells"
STARTED = time.monotonic()


class Build:
    """The building of one architecture, in a folder that is thrown away."""

    def __init__(self, target: Target, work: Path) -> None:
        self.target = target
        self.root, self.tree, self.wheel = (work / name / target.debian for name in ("root", "tree", "wheel"))
        self.archives: list[Path] = []

    def fetch(self) -> None:
        """Get the packages and hiredis, and unpack them."""
        packages = Packages(self.target, CACHE)
        packages.update()
        self.archives = packages.fetch((*PACKAGES, *COMPILER_PACKAGES))
        unpack([*self.archives, *packages.fetch(HEADER_PACKAGES)], self.root)
        fetch_hiredis(self.target, self.wheel)
        say(f"{self.target.debian}: Debian's packages and hiredis are here")

    def make(self, local: "Build") -> None:
        """Assemble and pack the runtime; `local` has this machine's own interpreter."""
        assemble(self.tree, self.target, self.root, self.wheel)
        describe(self.tree, self.archives, self.wheel, self.root)
        compile_launcher(self.target, self.root, self.tree / "bin/eightbells-wrapper", CACHE)
        compile_extension(self.target, self.root, self.tree, CACHE)
        compile_modules(self.tree, local.target, local.root)
        for program in ("bin/eightbells-wrapper", "bin/python3.11", "lib/eightbells"):
            (self.tree / program).chmod(0o755)
        if self.target.is_local:
            check_imports(self.tree)
        say(f"{self.target.debian}: the directory is complete: packing")
        pack(self.tree, DIST / f"eightbells-runtime-{self.target.debian}.tar.xz")


def main(names: list[str]) -> int:
    """Build for the architectures of these names."""
    try:
        check_machine()
        wanted = [find_target(name) for name in names or TARGETS]
        local = next((target for target in TARGETS.values() if target.is_local), None)
        if local is None:
            raise Unbuildable(f"nothing is built on {os.uname().machine}: take a machine of {' or '.join(TARGETS)}")
        with tempfile.TemporaryDirectory(prefix="eightbells-runtime-") as work:
            build(wanted, local, Path(work))
    except Unbuildable as problem:
        print(f"no runtime: {problem}", file=sys.stderr)
        return 1
    return 0


def build(wanted: list[Target], local: Target, work: Path) -> None:
    """Build them all at once; this machine's interpreter is always fetched, because it compiles for the others."""
    DIST.mkdir(exist_ok=True)
    builds = {target: Build(target, work) for target in dict.fromkeys([local, *wanted])}
    say(f"fetching for {' and '.join(target.debian for target in builds)}")
    with ThreadPoolExecutor() as pool:
        list(pool.map(Build.fetch, builds.values()))
        list(pool.map(lambda target: builds[target].make(builds[local]), wanted))
    for target in wanted:
        packed = (DIST / f"eightbells-runtime-{target.debian}.tar.xz").stat().st_size
        seen = "its interpreter ran here" if target.is_local else "built, not executed: this machine is of another kind"
        say(f"{target.debian}: {packed / 1e6:.1f} MB, {size(builds[target].tree):.1f} MB unpacked; {seen}")
    say(f"they are in {DIST}")


def fetch_hiredis(target: Target, folder: Path) -> None:
    """Unpack the pinned wheel for the target's architecture. Raises `Unbuildable`."""
    words = [os.environ.get("UV") or "uv", "pip", "install", "--quiet", "--python", sys.executable]
    words += ["--target", str(folder), "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    words += ["--python-platform", f"{target.machine}-manylinux2014", "--python-version", "3.11"]
    words += ["--requirement", str(ROOT / "requirements/bundle.txt")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unbuildable(f"hiredis for {target.debian} cannot be had: {' '.join(done.stderr.split())[-600:]}")


def find_target(name: str) -> Target:
    """Return the architecture of this name. Raises `Unbuildable`."""
    if name not in TARGETS:
        raise Unbuildable(f"there is no architecture {name!r}: say {' or '.join(TARGETS)}")
    return TARGETS[name]


def size(tree: Path) -> float:
    """The megabytes that the files of the directory hold."""
    return sum(path.stat().st_size for path in tree.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def say(text: str) -> None:
    """Say how far we are."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
