"""In any image the command learns nothing of what we were told, and changes nothing of what we run from."""

import pytest

from tests.runtime.roots import Root
from tests.wrapper.wrapping import Dispatch, Wrapping

NOBODY = 2_054_321
SECRET = "s3cret-s3cret"
LOOK = "/busybox cat /proc/1/environ /proc/1/task/1/environ; /busybox strings /proc/1/mem; :"


@pytest.fixture
def secretive(dispatch: Dispatch) -> Dispatch:
    """A dispatch whose address has a password."""
    dispatch.environment["EIGHTBELLS_URL"] = f"redis://x:{SECRET}@127.0.0.1:1"
    dispatch.environment["EIGHTBELLS_PUBLISH_TIMEOUT"] = "0"
    return dispatch


def test_our_environment_is_kept_from_a_user_without_rights(secretive: Dispatch, root: Root) -> None:
    """The launcher's process and the wrapper's are one, and it is closed before the command starts."""
    ran = secretive.run(*root.shell, LOOK, program=root.entry(user=NOBODY, is_read_only=True))
    assert ran.exit_code == 0
    assert ran.stderr.count(b"Permission denied") == 3
    assert SECRET.encode() not in ran.stdout


def test_it_is_not_where_that_is_asked_for(secretive: Dispatch, root: Root) -> None:
    """EIGHTBELLS_DUMPABLE=1 opens it to the same user."""
    ran = secretive.run(*root.shell, LOOK, program=root.entry(user=NOBODY), env={"EIGHTBELLS_DUMPABLE": "1"})
    assert SECRET.encode() in ran.stdout


@pytest.mark.parametrize(("is_read_only", "said"), [(True, b"Read-only file system"), (False, b"")])
def test_a_runtime_that_is_mounted_read_only_stays_as_it_is(
    init: Wrapping, bare: Root, is_read_only: bool, said: bytes
) -> None:
    """Not even root opens a file of it for writing, which root does where it is mounted writable."""
    script = ": >> /eightbells/share/packages.txt"
    ran = init.run("/busybox", "sh", "-c", script, program=bare.entry(is_read_only=is_read_only))
    assert said in ran.stderr
    assert (ran.exit_code != 0) == is_read_only
