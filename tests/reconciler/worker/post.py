"""A reconciler's post: a real bus, what was seen of a cluster, and what its API answers to the questions of a decision.

The time is the test's; the bus has its own.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from eightbells.events import document
from eightbells.events.document import encode
from eightbells.events.schema import Data, Event
from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.errors import ClusterError, Forbidden, NotFound
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.worker.agenda import Agenda
from eightbells.reconciler.worker.asking import Asker
from eightbells.reconciler.worker.bus import Bus
from eightbells.reconciler.worker.continuity import Continuity
from eightbells.reconciler.worker.metrics import Metrics
from eightbells.reconciler.worker.options import Options
from eightbells.reconciler.worker.publisher import Publisher
from eightbells.reconciler.worker.subject import hash_of
from eightbells.reconciler.worker.sweeper import Sweeper
from eightbells.reconciler.worker.worker import Worker
from msgspec.structs import replace

from tests.bus.bus import Bus as TestBus
from tests.consumer.consuming import event
from tests.reconciler.informer.moments import Time
from tests.reconciler.informer.objects import job_dict, pod_dict
from tests.servers.server import Server
from tests.waiting import wait_until

CLUSTER = "c"


class Answers:
    """What the API answers: the objects that a test puts there, else 404. `changed` is what it was told to change."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.asked: list[str] = []
        self.params: list[Mapping[str, str]] = []
        self.forbidden: set[str] = set()
        self.changed: list[tuple[str, str, Any]] = []
        self.error: ClusterError | None = None

    def get(self, path: str, params: Mapping[str, str] | None = None) -> bytes:
        self.asked.append(path)
        self.params.append(params or {})
        if path in self.forbidden:
            raise Forbidden(f"GET {path}: 403")
        if self.error:
            raise self.error
        if path.endswith(("/events", "/pods")):
            return msgspec.json.encode(self.objects.get(path, {"items": []}))
        if path not in self.objects:
            raise NotFound(f"GET {path}: 404 {params or ''}")
        return msgspec.json.encode(self.objects[path])

    def change(self, method: str, path: str, body: Any, kind: str = "json") -> bytes:
        if self.error:
            raise self.error
        self.changed.append((method, path, body))
        return kind.encode()


class Post:
    """One reconciler; `other` is another one beside it, with a view of its own."""

    def __init__(self, server: Server, *, is_synced: bool = True, url: str = "", **options: Any) -> None:
        self.time = Time()
        self.bus = TestBus(server)
        self.answers = Answers()
        self.cache = Cache(self.time.clock)
        if is_synced:
            self.list_all()
        self.agenda = Agenda(lambda: self.time.seconds)
        self.metrics = Metrics()
        self.link = Bus(url or server.url, self.bus.namespace, CLUSTER)
        self.lost = 0
        self.options = Options(**options)
        clock = self.time.clock
        publisher = Publisher(
            self.cache,
            self.link,
            self.answers,
            self.agenda,
            options=self.options,
            metrics=self.metrics,
            clock=clock.monotonic,
        )
        self.worker = Worker(
            self.cache,
            self.link,
            Asker(self.answers),
            publisher,
            self.agenda,
            options=self.options,
            metrics=self.metrics,
            now=clock.now,
            clock=clock.monotonic,
        )
        self.sweeper = Sweeper(
            self.cache, self.link, self.agenda, options=self.options, lost=self.lose, clock=clock.monotonic
        )
        self.continuity = Continuity(self.link, self.lose, clock.monotonic)

    def lose(self) -> None:
        self.lost += 1

    # What the cluster shows.

    def show_job(self, uid: str = "j", dispatch: str = "d", **more: Any) -> Job:
        """A Job of the dispatch; what changed is on the agenda."""
        job = msgspec.convert(marked(job_dict(uid, **more), dispatch), Job)
        self._changed(self.cache.put_job(job))
        return job

    def show_pod(self, uid: str, *statuses: dict[str, Any], job: str = "j", dispatch: str = "d", **more: Any) -> Pod:
        """A pod of a Job, with the states of its containers."""
        made = marked(pod_dict(uid, job, *statuses, **more), dispatch)
        made["spec"].setdefault("restartPolicy", "Never")
        pod = msgspec.convert(made, Pod)
        self._changed(self.cache.put_pod(pod))
        return pod

    def fail_job(self, uid: str = "j", dispatch: str = "d", reason: str = "BackoffLimitExceeded", **more: Any) -> Job:
        """The Job's condition that it failed, now."""
        condition = {"type": "FailureTarget", "status": "True", "reason": reason, "lastTransitionTime": self.at()}
        return self.show_job(uid, dispatch, status={"conditions": [condition]}, **more)

    def remove_job(self, uid: str = "j", namespace: str = "batch") -> None:
        self._changed(self.cache.remove_job(namespace, uid))

    def at(self) -> str:
        return self.time.clock.now().isoformat().replace("+00:00", "Z")

    def _changed(self, uids: list[str]) -> None:
        for uid in uids:
            self.agenda.put(uid)

    # What the reconciler does.

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass, with a watch that goes on."""
        self.time.seconds += seconds
        self.list_all()

    def pass_seconds_unlisted(self, seconds: float) -> None:
        """Let time pass with a watch that goes on, and no list."""
        self.time.seconds += seconds
        for kind in ("jobs", "pods"):
            self.cache.views.open(kind, "").at = self.time.seconds

    def list_all(self) -> None:
        """Everything was listed just now."""
        for kind in ("jobs", "pods"):
            self.cache.views.open(kind, "").listed(self.time.seconds)

    def work(self) -> None:
        """Work until nothing is due."""
        while self.worker.work(0.0):
            pass

    def sweep(self) -> None:
        """Sweep once something is due at all, and work."""
        wait_until(lambda: self.link.due(1), "something is due")
        self.sweeper.sweep()
        self.work()

    # What is on the bus.

    def events(self, *states: str, dispatch: str = "d") -> list[Event]:
        """The events of these states that the reconciler wrote."""
        found = [one for one in self.bus.log() if one["k"] == dispatch and one["s"] in states]
        return [document.decode(one["d"].encode()) for one in found]

    def endings(self, dispatch: str = "d") -> list[Data]:
        return [event.data for event in self.events("completed", "failed", dispatch=dispatch)]

    def attempts(self, dispatch: str = "d") -> list[Data]:
        return [event.data for event in self.events("attempt_ended", dispatch=dispatch)]

    def ending(self, dispatch: str = "d") -> Data:
        (data,) = self.endings(dispatch)
        return data

    def close(self) -> None:
        self.link.close()


def marked(made: dict[str, Any], dispatch: str) -> dict[str, Any]:
    """As the dispatcher marks Jobs and pods."""
    made["metadata"]["labels"] = {"eightbells.io/dispatch": hash_of("test", dispatch)}
    made["metadata"]["annotations"] = {"eightbells.io/dispatch-id": dispatch, **made["metadata"].get("annotations", {})}
    made["metadata"]["annotations"]["eightbells.io/dispatch-id"] = dispatch
    return made


def record_of(pod: str, state: str, dispatch: str = "d", **more: Any) -> str:
    """The record that a wrapper leaves in the termination message."""
    output = {"tail": "did it\n", "head": "", "total_bytes": 7, "truncated": False, "escaped": False}
    said = {"dispatch_id": dispatch, "state": state, "reporter": "wrapper", "run": f"{pod}.0", "stdout": output}
    return msgspec.json.encode(said | more).decode()


def wrapper_document(pod: str, dispatch: str = "d", **more: Any) -> bytes:
    """What a wrapper of that pod says at the end of its attempt."""
    said: dict[str, Any] = {"code": "signalled", **more}
    made = event(dispatch, "attempt_ended", **said)
    return encode(replace(made, data=replace(made.data, run=f"{pod}.0")))
