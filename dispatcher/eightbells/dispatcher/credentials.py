"""Where the way to a cluster comes from: a kubeconfig, the pod we are in, or a client that somebody else has made.

The official loader reads them; here is only what it does not notice by itself, the files whose change makes it read
something else.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from eightbells.dispatcher.errors import Unavailable
from kubernetes import client, config

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")

NAMED = ("tokenFile", "client-certificate", "client-key", "certificate-authority")
"""The fields of a kubeconfig's users and clusters that name a file."""


class Credentials(msgspec.Struct, frozen=True):
    """`load` returns the client's configuration as it is now; when one of `files` changes, it may return another."""

    load: Callable[[], client.Configuration]
    files: tuple[Path, ...] = ()
    source: str = "the client that was given"

    def state(self) -> tuple[float, ...]:
        """Return when each file was last changed; 0 for one that is not there."""
        return tuple(file.stat().st_mtime if file.exists() else 0.0 for file in self.files)

    def read(self) -> client.Configuration:
        """Return the configuration. Raises `Unavailable` where there is none, or none with credentials."""
        try:
            found = self.load()
        except (config.ConfigException, OSError, ValueError) as error:
            raise Unavailable(f"no way to the cluster by {self.source}: {error}") from None
        if not authorization(found) and not found.cert_file:
            raise Unavailable(f"no credentials in {self.source}: its user, or the plugin that it names, yields none")
        return found


def find_credentials(kubeconfig: str | None = None, context: str | None = None) -> Credentials:
    """Look where kubectl looks: the kubeconfig that is named, $KUBECONFIG, ~/.kube/config, and then the pod."""
    paths = kubeconfig or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube/config")
    if kubeconfig or context or any(Path(one).exists() for one in paths.split(os.pathsep) if one):
        return Credentials(lambda: _load_kubeconfig(paths, context), tuple(_files_of(paths)), paths)
    return Credentials(_load_in_cluster, (IN_CLUSTER / "token", IN_CLUSTER / "ca.crt"), "this pod")


def authorization(configuration: client.Configuration) -> dict[str, str]:
    """Return the header of this moment: the configuration reads its token anew, or runs its plugin, when it is due."""
    settings = configuration.auth_settings().get("BearerToken")
    return {"Authorization": str(settings["value"])} if settings and settings["value"] else {}


def _load_kubeconfig(paths: str, context: str | None) -> client.Configuration:
    made = client.Configuration()
    config.load_kube_config(config_file=paths, context=context, client_configuration=made)  # type: ignore[no-untyped-call]
    return made


def _load_in_cluster() -> client.Configuration:
    made = client.Configuration()
    config.load_incluster_config(client_configuration=made)  # type: ignore[no-untyped-call]
    return made


def _files_of(paths: str) -> Iterator[Path]:
    for path in (Path(one).expanduser() for one in paths.split(os.pathsep) if one):
        yield path
        found = msgspec.yaml.decode(path.read_bytes()) if path.exists() else None
        for section in ("user", "cluster"):
            for one in (found or {}).get(f"{section}s") or ():
                named = one.get(section) or {}
                yield from (path.parent / named[name] for name in NAMED if name in named)
