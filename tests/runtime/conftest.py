"""What the tests of the runtime get: the runtime itself, roots to run it in, and a bus that has a name.

They need root, and what `make runtime` left in dist/. Where that is missing they are skipped with a line; where
`CI=true` promises it, that is a failure.
"""

import os
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.runtime import containers
from tests.runtime.foreign import Foreign
from tests.runtime.nameserver import NameServer
from tests.runtime.roots import KINDS, LAUNCHER, LOCAL, Root, copy_root, fetch_archives, make_root
from tests.servers.server import Server
from tests.wrapper.wrapping import Dispatch, Wrapping
from tools.runtime.__main__ import DIST
from tools.runtime.target import Unbuildable
from tools.runtime.tree import list_sources

BUS = "bus.example.test"
HERE = Path(__file__).parent
ARCHIVE = DIST / f"eightbells-runtime-{LOCAL.debian if LOCAL else 'none'}.tar.xz"


def reason_against() -> str | None:
    """Why the runtime cannot be tried here, in a line, or None."""
    if not ARCHIVE.exists():
        return f"there is no {ARCHIVE.name} in dist/: say `make runtime`, on Debian 12"
    with tarfile.open(ARCHIVE) as file:
        sources = file.extractfile("share/sources.sha256")
        if sources is None or sources.read().decode() != list_sources():
            return f"{ARCHIVE.name} in dist/ is of other sources than these: say `make runtime`"
    tried = subprocess.run(
        ("unshare", "--mount", "--pid", "--fork", "true"), capture_output=True, text=True, check=False
    )
    return f"no namespaces can be made here: {tried.stderr.strip()} (run as root)" if tried.returncode else None


REASON = reason_against()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Here and not in a fixture, so that pytest sums them up in one line."""
    if REASON and HERE in item.path.parents:
        give_up(REASON)


def give_up(reason: str) -> NoReturn:
    """Skip the test; where everything was promised to be there, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked runtime. No test may change it."""
    path = tmp_path_factory.mktemp("runtime") / "eightbells"
    with tarfile.open(ARCHIVE) as file:
        file.extraction_filter = getattr(tarfile, "tar_filter", None)  # which Debian's 3.11.2 lacks
        file.extractall(path)
    return path


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Callable[[str, Path], Root]:
    """Makes a root of a kind at a path; each kind is unpacked once."""
    shared = tmp_path_factory.mktemp("roots")
    try:
        archives = fetch_archives()
    except Unbuildable as problem:
        give_up(str(problem))

    def make(kind: str, path: Path) -> Root:
        if not (shared / kind).exists():
            make_root(kind, shared / kind, archives)
        copy_root(shared / kind, path)
        return Root(path, runtime)

    return make


@pytest.fixture(params=KINDS)
def root(request: pytest.FixtureRequest, make: Callable[[str, Path], Root], tmp_path: Path) -> Root:
    """A root of its own for the test, which runs once for each kind."""
    return make(request.param, tmp_path / "root")


@pytest.fixture
def debian(make: Callable[[str, Path], Root], tmp_path: Path) -> Root:
    """A root with a C library, a shell and programs."""
    return make("debian", tmp_path / "root")


@pytest.fixture
def bare(make: Callable[[str, Path], Root], tmp_path: Path) -> Root:
    """A root with nothing but the runtime and one static program."""
    return make("nothing", tmp_path / "root")


@pytest.fixture
def image(bare: Root, runtime: Path, tmp_path: Path) -> Iterator[str]:
    """An image from scratch: the runtime's contents at /eightbells, as COPY --from puts them there, and one program."""
    if reason := containers.reason_against():
        give_up(reason)
    packed, name = tmp_path / "image.tar", f"eightbells-test-scratch:{os.getpid()}"
    with tarfile.open(packed, "w") as file:
        file.add(runtime, "eightbells")
        file.add(bare.path / "busybox", "busybox")
    containers.docker("import", "--change", f'ENTRYPOINT ["{LAUNCHER}", "--"]', packed, name)
    yield name
    containers.docker("image", "rm", "--force", name)


@pytest.fixture
def init() -> Iterator[Wrapping]:
    """Wrappers that report nothing."""
    wrapping = Wrapping({})
    yield wrapping
    wrapping.close()


@pytest.fixture
def dispatch(valkey: Server, request: pytest.FixtureRequest) -> Iterator[Dispatch]:
    """Wrappers that report on one dispatch, to a server that they know by name: `bus.example.test`."""
    dispatch = Dispatch(valkey, re.sub(r"[^A-Za-z0-9._:@/+-]", "-", request.node.name)[:200])
    dispatch.environment["EIGHTBELLS_URL"] = valkey.url.replace("127.0.0.1", BUS)
    yield dispatch
    dispatch.close()


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    """Libraries that do us no good."""
    return Foreign(tmp_path_factory.mktemp("foreign"))


@pytest.fixture
def nameserver() -> Iterator[NameServer]:
    """A name server that knows the bus, and nobody else."""
    server = NameServer(BUS)
    yield server
    server.close()
