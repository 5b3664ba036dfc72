"""A Redis that is spoken to over TLS, and why there is none."""

import shutil
from pathlib import Path

from tests.servers.kinds import reason_against_debian_redis
from tests.servers.local import Local, free_port
from tests.wrapper import certificates
from tests.wrapper.certificates import Authority

REASON = reason_against_debian_redis() or certificates.REASON


class Secured(Local):
    """A Redis with TLS on a port of its own; it asks clients for a certificate where that is said."""

    def __init__(self, authority: Authority, *, asks_clients: bool) -> None:
        self.authority = authority
        self.tls_port = free_port()
        certificate, key = authority.sign("server", "DNS:localhost")
        files = ("--tls-ca-cert-file", authority.ca, "--tls-cert-file", certificate, "--tls-key-file", key)
        asks = ("--tls-auth-clients", "yes" if asks_clients else "no")
        program = Path(shutil.which("redis-server") or "")
        super().__init__("redis-tls", program, *map(str, files), *asks, "--tls-port", str(self.tls_port))
