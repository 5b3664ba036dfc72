"""What the attacks get: a dispatch whose address has a password in it, and a file for the termination message.

They need root and namespaces. Where those are missing they are skipped with a line; where `CI=true` promises them, that
is a failure.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.attackers import USER, reason_against
from tests.security.runtimes import Runtime
from tests.servers.server import Server
from tests.wrapper.wrapping import Dispatch

HERE = Path(__file__).parent
SECRET = "s3cret-s3cret"
REASON = reason_against()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Here and not in a fixture, so that pytest sums them up in one line."""
    if REASON and HERE in item.path.parents:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(REASON)


@pytest.fixture
def dispatch(valkey: Server, request: pytest.FixtureRequest) -> Iterator[Dispatch]:
    """Wrappers that report on one dispatch, named as the test."""
    dispatch = Dispatch(valkey, re.sub(r"[^A-Za-z0-9._:@/+-]", "-", request.node.name)[:200])
    yield dispatch
    dispatch.close()


@pytest.fixture
def secretive(dispatch: Dispatch) -> Dispatch:
    """A dispatch whose address has a user and a password, whom the server does not know."""
    dispatch.environment["EIGHTBELLS_URL"] = dispatch.environment["EIGHTBELLS_URL"].replace("//", f"//x:{SECRET}@")
    dispatch.environment["EIGHTBELLS_PUBLISH_TIMEOUT"] = "500ms"
    return dispatch


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory of the command's user, as an emptyDir is; not in pytest's own, which are closed to other users."""
    path = Path(tempfile.mkdtemp(prefix="eightbells-test-", dir="/tmp"))
    os.chown(path, USER, USER)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def log(dispatch: Dispatch, shared: Path) -> Path:
    """The termination message as the kubelet makes it: there, empty, writable to everybody."""
    path = shared / "termination-log"
    path.touch()
    path.chmod(0o666)
    dispatch.environment["EIGHTBELLS_TERMINATION_LOG"] = str(path)
    return path


@pytest.fixture
def runtime(shared: Path) -> Runtime:
    """The wrapper's own files on a volume of the command's user."""
    return Runtime(shared)
