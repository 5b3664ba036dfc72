"""In any image: a C library, one static program, or nothing at all; without rights, home, /tmp or a shell."""

from eightbells.events.codes import Code

from tests.runtime.conftest import BUS
from tests.runtime.nameserver import NameServer
from tests.runtime.roots import Root
from tests.wrapper.wrapping import Dispatch, Wrapping

NOBODY = 2_054_321


def test_a_command_ends_in_any_image_as_it_would_anywhere(dispatch: Dispatch, root: Root) -> None:
    """As a random user without rights on a read-only root, code and output come through and the ending is reported."""
    root.write("/etc/hosts", f"127.0.0.1 {BUS}\n")
    ran = dispatch.run(
        *root.shell, "echo hello; echo alas >&2; exit 7", program=root.entry(user=NOBODY, is_read_only=True)
    )
    assert (ran.exit_code, ran.stdout, ran.stderr) == (7, b"hello\n", b"alas\n")
    assert dispatch.states == ["running", "failed"]
    assert (dispatch.ending.exit_code, dispatch.ending.code) == (7, Code.EXIT_NONZERO)
    assert dispatch.ending.stdout is not None
    assert dispatch.ending.stdout.tail == "hello\n"


def test_names_resolve_by_the_images_name_server(dispatch: Dispatch, root: Root, nameserver: NameServer) -> None:
    """With no more than a resolv.conf, as the kubelet writes one, the bus is found by name."""
    root.write("/etc/resolv.conf", f"nameserver {nameserver.address}\noptions timeout:1\n")
    assert dispatch.end("/busybox", "true", program=root.entry(user=NOBODY, is_read_only=True)).exit_code == 0
    assert BUS in nameserver.asked


def test_the_rights_of_the_command_are_those_of_the_container(init: Wrapping, bare: Root) -> None:
    """Nothing that the container gave up comes back: user, capabilities, no-new-privileges."""
    status = init.run("/busybox", "cat", "/proc/self/status", program=bare.entry(user=NOBODY)).stdout.decode()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == [str(NOBODY)] * 4
    assert {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert fields["NoNewPrivs"] == "1"


def test_the_wrapper_is_pid_1_and_its_command_the_only_other(init: Wrapping, bare: Root) -> None:
    """No process of ours stays between the container and the wrapper, nor between the wrapper and the command."""
    ran = init.run("/busybox", "sh", "-c", "echo $PPID; echo /proc/[0-9]*", program=bare.entry())
    parent, processes = ran.stdout.decode().splitlines()
    assert parent == "1"
    assert len(processes.split()) == 2


def test_a_command_that_an_image_lacks_is_named(init: Wrapping, root: Root) -> None:
    """In an empty image as in a full one, what is not there is said, with the code of a shell."""
    ran = init.run("no-such-program", program=root.entry())
    assert ran.exit_code == 127
    assert b"no-such-program: command not found" in ran.stderr
