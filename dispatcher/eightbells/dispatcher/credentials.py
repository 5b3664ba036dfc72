"""Where the way to a cluster comes from: a kubeconfig, the pod we are in, or a client that somebody else has made.

The official loader reads them; here is what it does not do: it notices no file that changes, and says of a malformed
one neither that it is nor what to do. What a file contains is never quoted, because it may be a token.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from eightbells.dispatcher.errors import Unavailable
from kubernetes import client, config

IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")

NAMED = ("tokenFile", "client-certificate", "client-key", "certificate-authority")
"""The fields of a kubeconfig's users and clusters that name a file."""


class Credentials(msgspec.Struct, frozen=True):
    """`load` returns the client's configuration as it is now; when one of `files` changes, it may return another.

    `given`: the client that somebody else has made, who knows how it is let in, be it by a proxy that asks for nothing.
    """

    load: Callable[[], client.Configuration]
    files: tuple[Path, ...] = ()
    source: str = "the client that was given"
    given: client.ApiClient | None = None

    def state(self) -> tuple[float, ...]:
        """Return when each file was last changed; 0 for one that cannot be looked at."""
        return tuple(_changed_at(file) for file in self.files)

    def read(self) -> client.Configuration:
        """Return the configuration. Raises `Unavailable` where there is none, or none with credentials."""
        try:
            found = self.load()
        except Exception as error:  # noqa: BLE001 - the loader fails at what is malformed in whatever way it happens to
            raise Unavailable(f"no way to the cluster by {self.source}: {_described(error)}") from None
        self.headers(found)
        return found

    def headers(self, configuration: client.Configuration) -> dict[str, str]:
        """Return what lets a request in at this moment: the configuration reads its token anew, or runs its plugin,
        when it is due. Raises `Unavailable` where nothing does.
        """
        try:
            found = _authorization(configuration)
        except (config.ConfigException, OSError, ValueError) as error:
            raise Unavailable(f"no credentials in {self.source}: {_described(error)}") from None
        if self.given is not None:
            return _headers_of(self.given) | found
        if not found and not configuration.cert_file:
            raise Unavailable(f"no credentials in {self.source}: its user, or the plugin that it names, yields none")
        return found


def find_credentials(kubeconfig: str | None = None, context: str | None = None) -> Credentials:
    """Look where kubectl looks: the kubeconfig that is named, $KUBECONFIG, ~/.kube/config, and then the pod."""
    said = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    # Not by pathlib, which fails for a user without a home, as a pod's often is.
    paths = [os.path.expanduser(one) for one in said.split(os.pathsep) if one]  # noqa: PTH111
    if kubeconfig or context or any(map(os.path.exists, paths)):
        joined = os.pathsep.join(paths)
        return Credentials(lambda: _load_kubeconfig(joined, context), tuple(_files_of(paths)), joined)
    return Credentials(_load_in_cluster, (IN_CLUSTER / "token", IN_CLUSTER / "ca.crt"), "this pod")


def given_credentials(given: client.ApiClient) -> Credentials:
    """Take them from a client, which stays as it is."""
    return Credentials(lambda: given.configuration, given=given)


def _authorization(configuration: client.Configuration) -> dict[str, str]:
    settings = configuration.auth_settings().get("BearerToken")
    if settings and settings["value"]:
        return {"Authorization": str(settings["value"]).strip()}  # a token in a file often ends in a newline
    return {}


def _headers_of(given: client.ApiClient) -> dict[str, str]:
    """Return what a client adds to each request; who is asking is said by us."""
    found = {name: value for name, value in given.default_headers.items() if name.lower() != "user-agent"}
    if given.cookie:
        found["Cookie"] = given.cookie
    if given.configuration.username:
        found["Authorization"] = str(given.configuration.get_basic_auth_token())
    return found


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # gone between two looks, as when it is being replaced, or not ours to see
        return 0.0


def _described(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:  # of PyYAML; its own text quotes the line
        return f"it is not YAML at line {mark.line + 1}: mend it, or name another by --kubeconfig or $KUBECONFIG"
    if isinstance(error, config.ConfigException | OSError):
        return str(error)
    return f"it is malformed ({type(error).__name__}): compare it with what `kubectl config view` shows"


def _load_kubeconfig(paths: str, context: str | None) -> client.Configuration:
    made = client.Configuration()
    config.load_kube_config(config_file=paths, context=context, client_configuration=made)  # type: ignore[no-untyped-call]
    return made


def _load_in_cluster() -> client.Configuration:
    made = client.Configuration()
    config.load_incluster_config(client_configuration=made)  # type: ignore[no-untyped-call]
    return made


class _Entry(msgspec.Struct):
    user: dict[str, Any] | None = None
    cluster: dict[str, Any] | None = None


class _Kubeconfig(msgspec.Struct):
    users: list[_Entry] | None = None
    clusters: list[_Entry] | None = None


def _files_of(paths: list[str]) -> Iterator[Path]:
    """Return the files that make a difference; what a malformed one names will be said when it is read."""
    for path in map(Path, paths):
        yield path
        try:
            found = msgspec.yaml.decode(path.read_bytes(), type=_Kubeconfig)
        except (OSError, UnicodeDecodeError, msgspec.DecodeError):
            continue
        for one in (*(found.users or ()), *(found.clusters or ())):
            fields = {**(one.user or {}), **(one.cluster or {})}
            yield from (path.parent / fields[name] for name in NAMED if isinstance(fields.get(name), str))
