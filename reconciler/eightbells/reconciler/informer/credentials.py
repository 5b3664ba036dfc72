"""Where the way to a cluster comes from: a kubeconfig, or the pod we are in.

The official loader reads them. What it does not notice by itself are the files whose change makes it read something
else, and that a plugin which fails leaves us nobody: here that is an outage, and never an anonymous request.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from eightbells.reconciler.informer.errors import Unavailable
from kubernetes import client, config
from msgspec import Struct

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")

NAMED = ("tokenFile", "client-certificate", "client-key", "certificate-authority")
"""The fields of a kubeconfig's users and clusters that name a file."""

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
        except Exception as error:  # noqa: BLE001  # the loader fails at what is malformed in whatever way it happens to
            raise Unavailable(f"no way to the cluster by {self.source}: {error}; {REMEDY}") from None
        self.headers(found)
        return found

    def headers(self, configuration: client.Configuration) -> dict[str, str]:
        """Return what lets a request in at this moment: the configuration reads its token anew, or runs its plugin,
        when it is due. Raises `Unavailable` where nothing does.
        """
        try:
            settings = configuration.auth_settings().get("BearerToken")
        except Exception as error:  # noqa: BLE001  # as above
            raise Unavailable(f"no credentials in {self.source}: {error}") from None
        if settings and settings["value"]:
            return {"Authorization": str(settings["value"])}
        if not configuration.cert_file:
            raise Unavailable(f"no credentials in {self.source}: its user, or the plugin that it names, yields none")
        return {}


def find_credentials(kubeconfig: str | None = None, context: str | None = None) -> Credentials:
    """Look where kubectl looks: the kubeconfig that is named, $KUBECONFIG, ~/.kube/config, and then the pod."""
    said = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    # Not by pathlib, which fails for a user without a home, as a pod's often is.
    paths = [os.path.expanduser(one) for one in said.split(os.pathsep) if one]  # noqa: PTH111
    if kubeconfig or context or any(map(os.path.exists, paths)):
        joined = os.pathsep.join(paths)
        return Credentials(lambda: _load_kubeconfig(joined, context), lambda: tuple(_files_of(paths)), joined)
    return Credentials(_load_in_cluster, lambda: (IN_CLUSTER / "token", IN_CLUSTER / "ca.crt"), "this pod")


def changes_of(files: tuple[Path, ...]) -> tuple[int, ...]:
    """Return when each file was last changed; 0 for one that is not there."""
    return tuple(_changed_at(file) for file in files)


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


def _files_of(paths: list[str]) -> Iterator[Path]:
    """The kubeconfigs, and what they name; one that cannot be read is the loader's to complain about."""
    for path in map(Path, paths):
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
