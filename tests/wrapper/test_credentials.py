"""What the command can learn of our credentials: nothing, where the kernel lets us keep them."""

import shutil

import pytest

from tests.wrapper.wrapping import Dispatch

# what a container runtime leaves to root by default; SYS_PTRACE, PERFMON or SYS_ADMIN would let it look into us
DEFAULT = (
    "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,setfcap"
)
AS_ROOT = ("setpriv", "--bounding-set", "-all,+" + DEFAULT.replace(",", ",+"), "--")
SECRET = "s3cret-s3cret"
LOOK = "cat /proc/$PPID/environ /proc/$PPID/maps /proc/$PPID/fd/1; env; tr '\\0' ' ' < /proc/self/environ"

pytestmark = pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is not installed")


@pytest.fixture
def secretive(dispatch: Dispatch) -> Dispatch:
    """A dispatch whose URL has a password (which the server's default user does not ask for)."""
    dispatch.environment["EIGHTBELLS_URL"] = dispatch.environment["EIGHTBELLS_URL"].replace("//", f"//x:{SECRET}@")
    dispatch.environment["EIGHTBELLS_PUBLISH_TIMEOUT"] = "1s"
    return dispatch


def test_the_command_cannot_read_our_environment(secretive: Dispatch) -> None:
    """Neither its own environment nor ours tells it the password, not even as root."""
    ran = secretive.run("sh", "-c", LOOK, prefix=AS_ROOT)
    assert SECRET.encode() not in ran.stdout + ran.stderr
    assert b"EIGHTBELLS_" not in ran.stdout
    assert ran.stderr.count(b"Permission denied") >= 3


def test_it_can_where_that_is_asked_for(secretive: Dispatch) -> None:
    """EIGHTBELLS_DUMPABLE=1 gives /proc/1 back to those who need it, with the environment in it."""
    ran = secretive.run("sh", "-c", "cat /proc/$PPID/environ", prefix=AS_ROOT, env={"EIGHTBELLS_DUMPABLE": "1"})
    assert SECRET.encode() in ran.stdout


def test_the_commands_own_process_is_its_own(dispatch: Dispatch) -> None:
    """What hides us does not hide the command from itself."""
    assert dispatch.run("sh", "-c", "cat /proc/self/maps > /dev/null", prefix=AS_ROOT).exit_code == 0
