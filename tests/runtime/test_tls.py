"""The runtime speaks TLS by itself: with its own OpenSSL, and the one file of the image that says whom to trust."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.roots import Root
from tests.wrapper.certificates import Authority
from tests.wrapper.secured import REASON, Secured
from tests.wrapper.wrapping import Dispatch

pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

NOBODY = 2_054_321
HOSTS = "127.0.0.1 localhost\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Whom the server's certificate is from."""
    return Authority(tmp_path / "authority")


@pytest.fixture
def secured(authority: Authority) -> Iterator[Secured]:
    """A server that speaks nothing but TLS to us."""
    server = Secured(authority, asks_clients=False)
    server.start()
    yield server
    server.remove()


@pytest.fixture
def safely(secured: Secured) -> Iterator[Dispatch]:
    """Wrappers that report to it."""
    dispatch = Dispatch(secured, "runtime-tls")
    dispatch.environment |= {
        "EIGHTBELLS_URL": f"rediss://localhost:{secured.tls_port}/0",
        "EIGHTBELLS_TLS_CA": "/ca.crt",
        "EIGHTBELLS_PUBLISH_TIMEOUT": "1h",
    }
    yield dispatch
    dispatch.close()
    secured.close_clients()


def test_an_ending_is_reported_over_tls_from_any_image(safely: Dispatch, root: Root, authority: Authority) -> None:
    """As a random user without rights on a read-only root, with the authority's file, the events arrive."""
    root.write("/etc/hosts", HOSTS)
    root.write("/ca.crt", authority.ca.read_bytes())
    script = "echo hello; exit 7"
    ran = safely.run(*root.shell, script, program=root.entry(user=NOBODY, is_read_only=True))
    assert (ran.exit_code, ran.stdout, ran.stderr) == (7, b"hello\n", b"")
    assert safely.states == ["running", "failed"]


def test_an_image_that_trusts_the_authority_needs_no_more(safely: Dispatch, bare: Root, authority: Authority) -> None:
    """The image's own bundle of authorities is believed where no file is named."""
    bare.write("/etc/hosts", HOSTS)
    bare.write("/etc/ssl/certs/ca-certificates.crt", authority.ca.read_bytes())
    ran = safely.run("/busybox", "true", program=bare.entry(user=NOBODY), env={"EIGHTBELLS_TLS_CA": ""})
    assert (ran.exit_code, ran.stderr) == (0, b"")
    assert safely.states == ["running", "completed"]


def test_a_certificate_of_somebody_elses_is_refused(safely: Dispatch, bare: Root, tmp_path: Path) -> None:
    """A server whose certificate another authority signed hears nothing, and why is said in full."""
    bare.write("/etc/hosts", HOSTS)
    bare.write("/ca.crt", Authority(tmp_path / "other").ca.read_bytes())
    ran = safely.run("/busybox", "true", program=bare.entry())
    assert b"certificate is refused: self-signed certificate in certificate chain (EIGHTBELLS_TLS_CA " in ran.stderr
    assert ran.exit_code == 0
    assert safely.states == []


def test_what_the_handshake_alone_needs_is_given_back(safely: Dispatch, runtime: Path, authority: Authority) -> None:
    """Once the connection is up the container does not go on paying for most of OpenSSL's code."""
    safely.environment["EIGHTBELLS_TLS_CA"] = str(authority.ca)
    process = safely.start("cat", program=[str(runtime / "bin/eightbells-wrapper"), "--"], stdin=subprocess.PIPE)
    safely.wait_for("running")
    size, held = code_of("libcrypto", process.pid)
    process.finish(b"")
    assert 0 < held < 0.8 * size


def code_of(library: str, pid: int) -> tuple[int, int]:
    """The kilobytes of a library's code, and those of them that are in the process's memory (smaps of proc(5))."""
    smaps = Path(f"/proc/{pid}/smaps").read_text()
    found = re.search(rf" r-xp .*/{library}\S*\nSize: +(\d+) kB\n(?:.*\n)*?Rss: +(\d+) kB", smaps)
    assert found is not None
    return int(found[1]), int(found[2])
