"""TLS, for rediss:// alone: loaded by the reporter's thread, because it costs the container some megabytes.

The server must show a certificate for the host that we were told, signed by the authorities in one file. Nothing
turns that off. It is `_ssl` without `ssl`, whose classes would cost as much memory again as TLS itself.
"""

from __future__ import annotations

import _socket
import _ssl
import posix

from eightbells.wrapper.connection import Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from eightbells.wrapper.address import Address

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, distroless
    "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine without ca-certificates
)
"""Where an image keeps the public authorities. OpenSSL's own search reads variables that were meant for others."""


class Socket(_socket.socket):
    """A socket that OpenSSL's can refer to."""

    __slots__ = ("__weakref__",)


class Secured:
    """A connection with TLS on it, as far as a connection to the bus needs one."""

    def __init__(self, plain: _socket.socket, context: Any, host: str) -> None:
        timeout = plain.gettimeout()
        self._plain = Socket(fileno=plain.detach())
        self._plain.settimeout(timeout)
        self._tls = context._wrap_socket(self._plain, False, host)  # noqa: SLF001 - as `ssl` itself does
        self._tls.do_handshake()

    def settimeout(self, seconds: float) -> None:
        self._plain.settimeout(seconds)

    def sendall(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._tls.write(left) :]

    def recv(self, size: int) -> bytes:
        return bytes(self._tls.read(size))

    def close(self) -> None:
        self._plain.close()


def secure(plain: _socket.socket, address: Address) -> Secured:
    """Return the connection with TLS on it. Raises `Unreachable` for good where that fails, OSError otherwise."""
    try:
        secured = Secured(plain, make_context(address), address.host)
        _release_code()
        return secured
    except _ssl.SSLCertVerificationError as problem:
        raise Unreachable(
            f"{address}: the server's certificate is refused: {problem.verify_message} (EIGHTBELLS_TLS_CA names the"
            " file of the authority that signed it, and the URL the host that it is for)",
            is_final=True,
        ) from None
    finally:
        plain.close()


def make_context(address: Address) -> Any:
    """Return what we trust and how we show who we are. Raises `Unreachable` where a file of it is of no use."""
    # by itself this demands a certificate, checks its host name, and speaks no version before 1.2
    context: Any = _ssl._SSLContext(_ssl.PROTOCOL_TLS_CLIENT)  # noqa: SLF001
    authorities = address.ca or next((path for path in BUNDLES if posix.access(path, posix.F_OK)), "")
    if not authorities:
        raise Unreachable(
            f"{address}: nobody is trusted: this image has no certificates of authorities"
            " (let EIGHTBELLS_TLS_CA name a file)",
            is_final=True,
        )
    try:
        context.load_verify_locations(authorities)
    except OSError as problem:
        raise _unusable(address, "EIGHTBELLS_TLS_CA", authorities, problem) from None
    if address.certificate:
        try:
            # an empty password, or OpenSSL would ask the terminal for one
            context.load_cert_chain(address.certificate, address.key or None, "")
        except OSError as problem:
            files = " and ".join(filter(None, (address.certificate, address.key)))
            raise _unusable(address, "EIGHTBELLS_TLS_CERT, EIGHTBELLS_TLS_KEY", files, problem) from None
    return context


def _unusable(address: Address, names: str, files: str, problem: OSError) -> Unreachable:
    return Unreachable(f"{address}: {files} cannot be used: {problem.strerror or problem} ({names})", is_final=True)


def _release_code() -> None:
    """Give back what of OpenSSL is for the handshake alone, where that can be done."""
    try:
        from eightbells.wrapper.prctl import release_code
    except ImportError:
        return
    release_code()
