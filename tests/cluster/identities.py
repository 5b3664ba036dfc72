"""Who may speak to the API server: a token for each, the authority that vouches for the server, and kubeconfigs."""

import base64
import json
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from secrets import token_hex

from tests.wrapper.certificates import Authority

ADMIN = "admin"
SCHEDULER = "system:kube-scheduler"


@dataclass(frozen=True, slots=True)
class Identities:
    """The files of one directory, `pki`."""

    directory: Path
    api: IPv4Address

    @property
    def authority(self) -> Path:
        return self.directory / "ca/ca.crt"

    @property
    def server(self) -> tuple[Path, Path]:
        """Certificate and key of the API server."""
        return self.directory / "ca/kube-apiserver.crt", self.directory / "ca/kube-apiserver.key"

    @property
    def accounts(self) -> tuple[Path, Path]:
        """Certificate and key that vouch for the tokens of service accounts."""
        return self.directory / "ca/service-accounts.crt", self.directory / "ca/service-accounts.key"

    @property
    def tokens(self) -> Path:
        """The API server's list of tokens, names and groups."""
        return self.directory / "tokens.csv"

    def make(self, nodes: list[str]) -> None:
        """Make everything anew."""
        self.directory.mkdir(mode=0o700)
        authority = Authority(self.directory / "ca")
        names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
        authority.sign("kube-apiserver", f"IP:{self.api}", *(f"DNS:{name}" for name in names))
        authority.sign("service-accounts")
        groups = {ADMIN: "system:masters", SCHEDULER: "", **{f"system:node:{node}": "system:nodes" for node in nodes}}
        lines = [f'{token_hex(16)},{name},{name},"{group}"\n' for name, group in groups.items()]
        self.tokens.write_text("".join(lines))

    def token(self, name: str) -> str:
        lines = (line.split(",") for line in self.tokens.read_text().splitlines())
        return next(token for token, user, *_ in lines if user == name)

    def write_kubeconfig(self, path: Path, name: str) -> Path:
        """A kubeconfig for one who has a token in the list."""
        path.write_text(describe_access(f"https://{self.api}", self.authority.read_bytes(), name, self.token(name)))
        path.chmod(0o600)
        return path


def describe_access(server: str, authority: bytes, name: str, token: str, namespace: str = "default") -> str:
    """A kubeconfig, whole: nothing in it points to another file."""
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()}
    context = {"cluster": "eightbells", "user": name, "namespace": namespace}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "eightbells", "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": "eightbells", "context": context}],
        "current-context": "eightbells",
    }
    return json.dumps(config, indent=2) + "\n"
