"""Where the way to a cluster comes from: a kubeconfig, or the pod we are in.

The official loader reads them. What it does not notice by itself are the files whose change makes it read something
else, and that a plugin which fails leaves us nobody: here that is an outage, and never an anonymous request.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml  # type: ignore[import-untyped]
from eightbells.reconciler.informer.errors import Unavailable
from kubernetes import client, config
from msgspec import Struct

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")

NAMED = ("tokenFile", "client-certificate", "client-key", "certificate-authority")
"""The fields of a kubeconfig's users and clusters that name a file."""

BROKEN = (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, AttributeError, KeyError)
"""What the loader raises for a kubeconfig that is none: mostly what happened to go wrong in it."""

REMEDY = "name another with --kubeconfig and --context, or look at it with `kubectl config view`"


class Credentials(Struct, frozen=True):
    """`load` returns the client's configuration as it is now; another, perhaps, when one of `find_files` changes."""

    load: Callable[[], client.Configuration]
    find_files: Callable[[], tuple[Path, ...]]
    source: str

    def read(self) -> client.Configuration:
        """Return the configuration. Raises `Unavailable` where there is none, or none with credentials."""
        try:
            found = self.load()
        except BROKEN as error:
            raise Unavailable(f"no way to the cluster by {self.source}: {error}; {REMEDY}") from None
        if not authorization(found) and not found.cert_file:
            raise Unavailable(f"no credentials in {self.source}: its user, or the plugin that it names, yields none")
        return found


def find_credentials(kubeconfig: str | None = None, context: str | None = None) -> Credentials:
    """Look where kubectl looks: the kubeconfig that is named, $KUBECONFIG, ~/.kube/config, and then the pod."""
    paths = kubeconfig or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube/config")
    if kubeconfig or context or any(Path(one).exists() for one in paths.split(os.pathsep) if one):
        return Credentials(lambda: _load_kubeconfig(paths, context), lambda: tuple(_files_of(paths)), paths)
    return Credentials(_load_in_cluster, lambda: (IN_CLUSTER / "token", IN_CLUSTER / "ca.crt"), "this pod")


def changes_of(files: tuple[Path, ...]) -> tuple[int, ...]:
    """Return when each file was last changed; 0 for one that is not there."""
    return tuple(_changed_at(file) for file in files)


def authorization(configuration: client.Configuration) -> dict[str, str]:
    """Return the header of this moment: the configuration reads its token anew, or runs its plugin, when it is due."""
    settings = configuration.auth_settings().get("BearerToken")
    return {"Authorization": str(settings["value"])} if settings and settings["value"] else {}


def _changed_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _load_kubeconfig(paths: str, context: str | None) -> client.Configuration:
    made = client.Configuration()
    config.load_kube_config(config_file=paths, context=context, client_configuration=made)  # type: ignore[no-untyped-call]
    return made


def _load_in_cluster() -> client.Configuration:
    made = client.Configuration()
    config.load_incluster_config(client_configuration=made)  # type: ignore[no-untyped-call]
    return made


def _files_of(paths: str) -> Iterator[Path]:
    """The kubeconfigs, and what they name; one that cannot be read is the loader's to complain about."""
    for path in (Path(one).expanduser() for one in paths.split(os.pathsep) if one):
        yield path
        for section in ("user", "cluster"):
            for one in _entries(path, f"{section}s"):
                named = one.get(section)
                if isinstance(named, dict):
                    yield from (path.parent / str(named[name]) for name in NAMED if named.get(name))


def _entries(path: Path, section: str) -> list[dict[str, Any]]:
    try:
        found = msgspec.yaml.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError, ValueError):
        return []
    listed = found.get(section) if isinstance(found, dict) else None
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
