"""What a test may do with any cluster, ours or somebody else's: all of it through its API."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from kubernetes import client, config, utils

from tests.cluster.identities import describe_access
from tests.waiting import wait_until

RUN = "eightbells.test/run"
"""The label of every namespace that a test makes: for which run of the tests it is."""

SECONDS_TO_DELETE = 90


class Access:
    """A kubeconfig, and what is done with it most."""

    def __init__(self, kubeconfig: Path, run: str) -> None:
        self.kubeconfig = kubeconfig
        self._run = run

    @cached_property
    def api(self) -> client.ApiClient:
        """The connection that the clients here share; it has all rights."""
        return connect(self.kubeconfig)

    @property
    def core(self) -> client.CoreV1Api:
        return client.CoreV1Api(self.api)

    @property
    def batch(self) -> client.BatchV1Api:
        return client.BatchV1Api(self.api)

    @property
    def rbac(self) -> client.RbacAuthorizationV1Api:
        return client.RbacAuthorizationV1Api(self.api)

    def create(self, manifest: Mapping[str, Any], namespace: str = "default") -> None:
        """Create what a manifest says, of whatever kind."""
        utils.create_from_dict(self.api, manifest, namespace=namespace)  # type: ignore[no-untyped-call]

    @contextmanager
    def namespace(self, labels: Mapping[str, str] | None = None, *, waits: bool = False) -> Iterator[str]:
        """A namespace of a name that nobody has; deleted at the end, and gone when `waits`."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        metadata = client.V1ObjectMeta(name=name, labels={RUN: self._run, **(labels or {})})
        self.core.create_namespace(client.V1Namespace(metadata=metadata))
        wait_until(lambda: self._has_account(name), f"namespace {name} has its service account", within=60, pause=0.1)
        try:
            yield name
        finally:
            with suppress(client.exceptions.NotFoundException):  # a test may have deleted it
                self.core.delete_namespace(name, grace_period_seconds=0)
            if waits:
                wait_until(
                    lambda: not self._has_namespace(name), f"{name} is gone", within=SECONDS_TO_DELETE, pause=0.1
                )

    def mint_token(self, namespace: str, account: str = "default", seconds: int = 3600) -> str:
        """A token of a service account, as a pod of it would get."""
        spec = client.V1TokenRequestSpec(audiences=[], expiration_seconds=seconds)
        asked = client.AuthenticationV1TokenRequest(spec=spec)
        status = self.core.create_namespaced_service_account_token(account, namespace, asked).status
        token = status.token if status else None
        assert token, f"no token for {namespace}/{account}"
        return token

    def write_kubeconfig(self, path: Path, token: str, namespace: str = "default") -> Path:
        """A kubeconfig of this cluster for who has this token, and no other right."""
        settings = self.api.configuration
        authority = Path(settings.ssl_ca_cert).read_bytes() if settings.ssl_ca_cert else b""
        path.write_text(describe_access(settings.host, authority, "test", token, namespace))
        return path

    def is_node_ready(self, name: str) -> bool:
        """Whether the node's own condition says so."""
        with suppress(client.ApiException, OSError):
            status = self.core.read_node(name).status
            conditions = (status.conditions if status else None) or []
            return any(each.type == "Ready" and each.status == "True" for each in conditions)
        return False

    def close(self) -> None:
        """End the connections of the client."""
        if "api" in self.__dict__:
            self.api.close()  # type: ignore[no-untyped-call]
            del self.api

    def left_namespaces(self) -> list[str]:
        """Those that this run's tests have made, and nobody has deleted."""
        found = self.core.list_namespace(label_selector=f"{RUN}={self._run}").items
        return [str(each.metadata.name) for each in found if each.metadata and not each.metadata.deletion_timestamp]

    def _has_account(self, namespace: str) -> bool:
        with suppress(client.ApiException):
            return bool(self.core.read_namespaced_service_account("default", namespace))
        return False

    def _has_namespace(self, name: str) -> bool:
        listed = self.core.list_namespace(field_selector=f"metadata.name={name}")
        return bool(listed.items)


def connect(kubeconfig: Path) -> client.ApiClient:
    """A client for a kubeconfig, that nobody else has set up."""
    settings = client.Configuration()
    config.load_kube_config(str(kubeconfig), client_configuration=settings)  # type: ignore[no-untyped-call]
    return client.ApiClient(settings)
