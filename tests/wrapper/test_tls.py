"""With rediss:// the bus is spoken to over TLS, with the server that was meant and no other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wrapper.certificates import Authority
from tests.wrapper.secured import REASON, Secured
from tests.wrapper.wrapping import WRAPPER, Dispatch, Ran, Wrapping

pytestmark = [
    pytest.mark.skipif(REASON is not None, reason=str(REASON)),
    pytest.mark.xdist_group("tls"),
]

FAILS = ("sh", "-c", "echo done; exit 7")


class Reporting:
    """Runs a failing command that reports to one server over TLS."""

    def __init__(self, server: Secured, name: str) -> None:
        self.server = server
        self.dispatch = Dispatch(server, name)

    def run(self, host: str = "localhost", query: str = "", timeout: str = "1h", **tls: Path) -> Ran:
        """Whoever tried again what cannot succeed would be seen to take an hour."""
        url = f"rediss://{host}:{self.server.tls_port}/0{query}"
        files = {f"EIGHTBELLS_TLS_{name.upper()}": str(path) for name, path in tls.items()}
        return self.dispatch.run(*FAILS, env={"EIGHTBELLS_URL": url, "EIGHTBELLS_PUBLISH_TIMEOUT": timeout, **files})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom the server's certificate is from."""
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


def serve(authority: Authority, *, asks_clients: bool) -> Iterator[Secured]:
    server = Secured(authority, asks_clients=asks_clients)
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def secured(authority: Authority) -> Iterator[Secured]:
    """A server that takes any client."""
    yield from serve(authority, asks_clients=False)


@pytest.fixture(scope="module")
def mutual(authority: Authority) -> Iterator[Secured]:
    """A server that takes clients with a certificate."""
    yield from serve(authority, asks_clients=True)


def report(server: Secured, request: pytest.FixtureRequest) -> Iterator[Reporting]:
    reporting = Reporting(server, re.sub(r"[^a-z0-9_]", "-", request.node.name))
    yield reporting
    reporting.dispatch.close()
    server.close_clients()


@pytest.fixture
def reporting(secured: Secured, request: pytest.FixtureRequest) -> Iterator[Reporting]:
    yield from report(secured, request)


@pytest.fixture
def mutually(mutual: Secured, request: pytest.FixtureRequest) -> Iterator[Reporting]:
    yield from report(mutual, request)


def test_the_server_that_was_meant_is_spoken_to(reporting: Reporting, authority: Authority) -> None:
    """With the authority's file the events arrive, and there is nothing to say."""
    ran = reporting.run(ca=authority.ca)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (7, b"done\n", b"")
    assert reporting.dispatch.states == ["running", "failed"]


def test_the_check_is_over_tls_too(secured: Secured, authority: Authority) -> None:
    """--check takes the same way as a report, and says so."""
    url = f"rediss://localhost:{secured.tls_port}"
    wrapping = Wrapping({"EIGHTBELLS_URL": url, "EIGHTBELLS_TLS_CA": str(authority.ca)})
    ran = wrapping.run("--check", program=WRAPPER[:-1])
    wrapping.close()
    secured.close_clients()
    assert (ran.exit_code, b" over TLS\n" in ran.stdout) == (0, True)


def test_what_is_said_is_not_in_the_clear(dispatch: Dispatch, authority: Authority) -> None:
    """A server without TLS hears no command of ours: it is never spoken to in the clear instead."""
    url = dispatch.environment["EIGHTBELLS_URL"].replace("redis://", "rediss://")
    told = {"EIGHTBELLS_URL": url, "EIGHTBELLS_TLS_CA": str(authority.ca), "EIGHTBELLS_PUBLISH_TIMEOUT": "300ms"}
    assert dispatch.run(*FAILS, env=told).exit_code == 7
    assert dispatch.states == []


def test_another_authority_is_not_believed(reporting: Reporting, tmp_path: Path) -> None:
    """A server with a certificate of somebody else's gets nothing, at once, and the remedy is said."""
    ran = reporting.run(ca=Authority(tmp_path / "theirs").ca)
    assert (ran.exit_code, ran.stdout) == (7, b"done\n")
    assert b"certificate is refused: self-signed certificate in certificate chain (EIGHTBELLS_TLS_CA " in ran.stderr
    assert reporting.dispatch.states == []


def test_another_host_is_not_believed(reporting: Reporting, authority: Authority) -> None:
    """A certificate that is for another host than the URL's is refused."""
    ran = reporting.run(host="127.0.0.1", ca=authority.ca)
    assert ran.exit_code == 7
    assert b"certificate is refused: IP address mismatch" in ran.stderr
    assert reporting.dispatch.states == []


def test_a_certificate_is_shown_to_a_server_that_asks(mutually: Reporting, authority: Authority) -> None:
    """A server that takes known clients alone takes us with certificate and key."""
    certificate, key = authority.sign("client")
    assert mutually.run(ca=authority.ca, cert=certificate, key=key).exit_code == 7
    assert mutually.dispatch.states == ["running", "failed"]


@pytest.mark.parametrize("is_one_file", [False, True], ids=["key", "certificate with key"])
def test_a_key_that_the_command_can_read_is_said(mutually: Reporting, authority: Authority, is_one_file: bool) -> None:
    """Our key lies in a file that our user can read: that is the one line on stderr, and names the variable."""
    certificate, key = authority.sign("client")
    whole = certificate.with_name("whole.pem")
    whole.write_bytes(certificate.read_bytes() + key.read_bytes())
    files: dict[str, Any] = {"cert": whole} if is_one_file else {"cert": certificate, "key": key}
    ran = mutually.run(ca=authority.ca, **files)
    said = f"{whole} (EIGHTBELLS_TLS_CERT)" if is_one_file else f"{key} (EIGHTBELLS_TLS_KEY)"
    assert ran.stderr.startswith(f"eightbells-wrapper: the command can read {said} while it has our user; ".encode())
    assert ran.stderr.count(b"\n") == 1
    assert mutually.dispatch.states == ["running", "failed"]


def test_a_server_that_asks_does_not_take_us_without(mutually: Reporting, authority: Authority) -> None:
    """Without a certificate that it asks for the command runs as ever, and stderr says what is missing."""
    ran = mutually.run(timeout="600ms", ca=authority.ca)
    assert (ran.exit_code, ran.stdout) == (7, b"done\n")
    assert b"EIGHTBELLS_TLS_CERT" in ran.stderr
    assert mutually.dispatch.states == []


@pytest.mark.parametrize("names", [("ca",), ("ca", "cert"), ("ca", "cert", "key")])
def test_a_file_that_cannot_be_used_is_named(
    reporting: Reporting, authority: Authority, names: tuple[str, ...], tmp_path: Path
) -> None:
    """A file that is missing or is no certificate or key is named with its variable; the command runs as ever."""
    certificate, key = authority.sign("client")
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate\n")
    files: dict[str, Any] = {"ca": authority.ca, "cert": certificate, "key": key, names[-1]: broken}
    ran = reporting.run(**{name: files[name] for name in names})
    assert (ran.exit_code, ran.stdout) == (7, b"done\n")
    assert str(broken).encode() in ran.stderr
    assert f"EIGHTBELLS_TLS_{names[-1].upper()}".encode() in ran.stderr
    assert reporting.dispatch.states == []


@pytest.mark.parametrize("query", ["?ssl_cert_reqs=none", "?ssl_check_hostname=false"])
def test_the_check_cannot_be_turned_off(reporting: Reporting, query: str, tmp_path: Path) -> None:
    """What other clients would take in a URL for leave to trust anybody changes nothing."""
    ran = reporting.run(query=query, ca=Authority(tmp_path / "theirs").ca)
    assert ran.exit_code == 7
    assert b"certificate is refused: " in ran.stderr
    assert reporting.dispatch.states == []


def test_ssl_is_loaded_for_rediss_alone(dispatch: Dispatch) -> None:
    """Without rediss:// the wrapper never loads OpenSSL, which would cost the container some megabytes."""
    process = dispatch.start("cat", stdin=-1)
    dispatch.wait_for("running")
    assert "libssl" not in Path(f"/proc/{process.pid}/maps").read_text()
    process.finish(b"")
