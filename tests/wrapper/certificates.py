"""Certificates as a site has them: an authority, and what it signed for a server and a client. Made by openssl."""

import shutil
import subprocess
from pathlib import Path

REASON = None if shutil.which("openssl") else "no openssl on PATH: say apt-get install openssl"


class Authority:
    """One authority in a directory of its own; `ca` is the file that says whom it signed for is to be trusted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.ca = directory / "ca.crt"
        self._key = directory / "ca.key"
        directory.mkdir()
        self._make("ca", "-x509", "-out", self.ca)

    def sign(self, name: str, *hosts: str) -> tuple[Path, Path]:
        """Return certificate and key for who has this name, as these hosts (`DNS:…` or `IP:…`)."""
        request, certificate = self._directory / f"{name}.csr", self._directory / f"{name}.crt"
        more = ("-addext", f"subjectAltName={','.join(hosts)}") if hosts else ()
        self._make(name, *more, "-out", request)
        signing = ("-CA", self.ca, "-CAkey", self._key, "-CAcreateserial", "-copy_extensions", "copy", "-days", "9")
        openssl("x509", "-req", "-in", request, *signing, "-out", certificate)
        return certificate, self._directory / f"{name}.key"

    def _make(self, name: str, *more: str | Path) -> None:
        kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9")
        openssl("req", "-new", *kind, "-subj", f"/CN={name}", "-keyout", self._directory / f"{name}.key", *more)


def openssl(*words: str | Path) -> None:
    """Run it, and show what it says when it fails."""
    ran = subprocess.run(["openssl", *words], stderr=subprocess.PIPE, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
