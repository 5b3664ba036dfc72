"""Five minutes of a real cluster, as two watches and the Events showed them, played again to the classifier.

What a reconciler would remember is remembered: the last sight before a deletion, when that was first seen, tombstones.
A resource may be shown late, as by a slow reader. The first verdict of each Job is what would have been published.
"""

import gzip
import heapq
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from eightbells.reconciler.classify import classify
from eightbells.reconciler.deletions import deleted_at
from eightbells.reconciler.events import Event
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.snapshot import Freshness, Look, Sighting, Snapshot
from eightbells.reconciler.verdict import Verdict
from msgspec.structs import replace

HISTORIES = Path(__file__).parent / "histories"


class Replay:
    """A history with each resource so many seconds late; `verdicts` are by the Job's name."""

    def __init__(self, history: str, **late: float) -> None:
        self._lines = gzip.decompress((HISTORIES / f"{history}.jsonl.gz").read_bytes()).splitlines()
        self.verdicts: dict[str, Verdict] = {}
        self._late = late
        self._jobs: dict[str, Job] = {}
        self._gone: dict[str, datetime] = {}
        self._seen: dict[str, datetime] = {}
        self._pods: dict[str, dict[str, Sighting]] = {}
        self._events: list[Event] = []
        self._due: list[tuple[datetime, str]] = []

    def play(self) -> "Replay":
        """Show everything in its order, and look again whenever a NotYet says so."""
        for now, what, kind, shown in sorted(self._entries(), key=lambda entry: entry[0]):
            self._look_until(now)
            for uid in self._show(now, what, kind, shown):
                self._decide(uid, now)
        return self

    def _entries(self) -> list[tuple[datetime, str, str, dict[str, Any]]]:
        found = []
        for line in self._lines:
            at, what, kind, shown = json.loads(line)
            moment = datetime.fromtimestamp(at, UTC) + timedelta(seconds=self._late.get(kind, 0.0))
            found.append((moment, what, kind, shown))
        return found

    def _show(self, now: datetime, what: str, kind: str, shown: dict[str, Any]) -> list[str]:
        if kind == "Event":
            self._events.append(event := msgspec.convert(shown, Event))
            name = event.involved_object.name or ""
            return [uid for uid, job in self._jobs.items() if job.name in {name, name.rpartition("-")[0]}]
        if kind == "Pod":
            return [self._show_pod(now, what, msgspec.convert(shown, Pod))]
        job = msgspec.convert(shown, Job)
        self._jobs[job.uid] = job
        if what == "DELETED":
            self._gone[job.uid] = now
        else:
            self._seen[job.uid] = now
        return [job.uid]

    def _show_pod(self, now: datetime, what: str, pod: Pod) -> str:
        owner = pod.controller.uid if pod.controller else None
        pods = self._pods.setdefault(owner or "", {})
        last = pods.get(pod.uid)
        sighting = replace(last, pod=pod) if last else Sighting(pod=pod)
        if pod.metadata.deletion_timestamp and sighting.deleted_at is None:
            before = last.pod if last else None
            sighting = replace(sighting, before=before, deleted_at=deleted_at(pod.metadata))
        if what == "DELETED":
            sighting = replace(sighting, gone_at=now)
        pods[pod.uid] = sighting
        return owner or ""

    def _look_until(self, now: datetime) -> None:
        while self._due and self._due[0][0] <= now:
            until, uid = heapq.heappop(self._due)
            self._decide(uid, until)

    def _decide(self, uid: str, now: datetime) -> None:
        job = self._jobs.get(uid)
        if job is None or job.name in self.verdicts:
            return
        said = classify(self._snapshot(uid, job, now), now)
        if isinstance(said, Verdict):
            self.verdicts[job.name] = said
        elif said.until and said.until > now:
            heapq.heappush(self._due, (said.until, uid))

    def _snapshot(self, uid: str, job: Job, now: datetime) -> Snapshot:
        state = "gone" if uid in self._gone else "terminating" if job.metadata.deletion_timestamp else "present"
        return Snapshot(
            job=job,
            job_seen_at=self._seen.get(uid),
            job_gone_at=self._gone.get(uid),
            pods=tuple(self._pods.get(uid, {}).values()),
            events=tuple(self._events),
            nodes=(),
            look=msgspec.convert({"at": now, "job": state, "namespace": "present"}, Look),
            freshness=Freshness(jobs_at=now, pods_at=now - timedelta(seconds=self._late.get("Pod", 0.0))),
        )
