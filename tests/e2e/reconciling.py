"""`eightbells reconcile` as a process, and Jobs of plain images that it sees to."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import redis
from eightbells.dispatcher.names import label_of
from eightbells.events import document
from eightbells.events.contract import keys
from eightbells.events.schema import Data, Event

from tests.cluster.access import Access
from tests.cluster.images import BUSYBOX
from tests.servers.local import dying_with_us
from tests.waiting import wait_until

BUS = "e2e"
CLUSTER = "test"
SECONDS = 180
"""A pod starts in one to five seconds here, and in many more when others start at the same time."""


class Reconciler:
    """A process; `lines` is what it has logged."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self._log = log

    def lines(self, action: str = "") -> list[dict[str, Any]]:
        """What it has logged, of one action."""
        text = self._log.read_text().splitlines()
        found: list[dict[str, Any]] = [msgspec.json.decode(line) for line in text if line.startswith("{")]
        return [line for line in found if not action or line.get("action") == action]

    def says(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.says(), f"it says {text!r}", within=SECONDS, pause=0.05)

    def wait_until_watching(self) -> None:
        wait_until(lambda: self.lines("watching"), "it watches", within=SECONDS, pause=0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Yard:
    """A namespace, a bus, and the Jobs and reconcilers of a test."""

    def __init__(self, cluster: Access, namespace: str, url: str, directory: Path) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.url = url
        self._directory = directory
        self._client: Any = redis.Redis.from_url(url)
        self._started: list[Reconciler] = []

    def reconcile(self, *options: str, kubeconfig: Path | None = None, is_alone: bool = True) -> Reconciler:
        """Start a reconciler; `is_alone`: of this namespace alone."""
        log = self._directory / f"reconciler-{len(self._started)}.log"
        where = ["--kubeconfig", str(kubeconfig or self.cluster.kubeconfig), "--url", self.url]
        names = ["--cluster", CLUSTER, "--namespace", BUS, *(["-n", self.namespace] if is_alone else [])]
        command = [*dying_with_us(), str(Path(sys.prefix, "bin", "eightbells")), "reconcile", *where, *names, *options]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EIGHTBELLS_")}
        with log.open("wb") as file:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment)
        self._started.append(Reconciler(process, log))
        return self._started[-1]

    def create_job(self, dispatch: str, script: str, **spec: Any) -> None:
        """A Job of a plain image, marked as the dispatcher marks one; `limits` are the container's."""
        limits, pod = spec.pop("limits", {}), spec.pop("pod", {})
        image, finalizers = spec.pop("image", BUSYBOX), spec.pop("finalizers", [])
        marks = {
            "labels": {"eightbells.io/dispatch": label_of(BUS, dispatch)},
            "annotations": {"eightbells.io/dispatch-id": dispatch},
        }
        container = {"name": "main", "image": image, "command": ["sh", "-c", script], "resources": {"limits": limits}}
        template = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container], **pod}
        job = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": dispatch, **marks},
            "spec": {
                "backoffLimit": 0,
                "template": {"metadata": {**marks, "finalizers": finalizers}, "spec": template},
                **spec,
            },
        }
        self.cluster.create(job, self.namespace)

    def pods(self, dispatch: str) -> list[Any]:
        selector = f"eightbells.io/dispatch={label_of(BUS, dispatch)}"
        found: list[Any] = self.cluster.core.list_namespaced_pod(self.namespace, label_selector=selector).items
        return found

    def wait_until_running(self, dispatch: str) -> str:
        """The name of its pod, once its command runs."""

        def look() -> list[str]:
            return [str(pod.metadata.name) for pod in self.pods(dispatch) if pod.status.phase == "Running"]

        return wait_until(look, f"{dispatch} runs", within=SECONDS, pause=0.1)[0]

    def events(self, dispatch: str) -> list[Event]:
        entries: Any = self._client.xrange(keys.log(BUS))
        return [document.decode(one[b"d"]) for _, one in entries if one[b"k"].decode() == dispatch]

    def endings(self, dispatch: str) -> list[Data]:
        return [event.data for event in self.events(dispatch) if event.is_ending]

    def ending(self, dispatch: str) -> Data:
        """What ended it, once it has."""
        wait_until(lambda: self.endings(dispatch), f"{dispatch} has ended", within=SECONDS, pause=0.05)
        (data,) = self.endings(dispatch)
        return data

    def conflicts(self, dispatch: str) -> int:
        return int(self._client.hget(keys.record(BUS, dispatch), "conflicts") or 0)

    def close(self) -> None:
        self._client.close()
        for one in self._started:
            if one.process.poll() is None:
                one.process.terminate()
        for one in self._started:
            one.process.wait(30)


@contextmanager
def open_yard(cluster: Access, namespace: str, url: str, directory: Path) -> Iterator[Yard]:
    """A yard; nothing of it runs on at the end."""
    yard = Yard(cluster, namespace, url, directory)
    try:
        yield yard
    finally:
        yard.close()
