"""One snapshot at one moment, and what all rules read off it: main, reports, victims, retries.

A rule takes a case and gives a finding, a verdict or nothing. Nothing here decides.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from eightbells.events.schema import Data
from eightbells.reconciler.containers import ended, is_running, main_name, status_of
from eightbells.reconciler.deletions import find_failure, find_success, find_victims
from eightbells.reconciler.events import Event
from eightbells.reconciler.graces import Graces
from eightbells.reconciler.marks import start_timeout_of
from eightbells.reconciler.objects import Job, Pod, PodSpec, Uncounted
from eightbells.reconciler.parts import Condition
from eightbells.reconciler.reports import is_final, read_report, report_on_bus
from eightbells.reconciler.snapshot import Sighting, Snapshot
from eightbells.reconciler.times import START, between

BACKOFF_LIMIT = 6
"""Kubernetes' own, where a Job says none."""


class Case:
    """What the rules decide on."""

    def __init__(self, snapshot: Snapshot, now: datetime, graces: Graces) -> None:
        self.snapshot = snapshot
        self.now = now
        self.graces = graces.capped(start_timeout_of(snapshot.job))

    @property
    def job(self) -> Job | None:
        """The Job as it was last seen."""
        return self.snapshot.job

    @cached_property
    def pods(self) -> tuple[Sighting, ...]:
        """Oldest first: attempts come in the order in which their pods were made."""
        return tuple(sorted(self.snapshot.pods, key=lambda one: (made_at(one.pod), one.pod.name)))

    @property
    def events(self) -> tuple[Event, ...]:
        """What is known of them; a finding that rests on them says so."""
        return self.snapshot.events or ()

    @cached_property
    def spec(self) -> PodSpec:
        """What the pods were asked to be."""
        if self.job and self.job.template.containers:
            return self.job.template
        return self.pods[-1].pod.wants if self.pods else PodSpec()

    @cached_property
    def main(self) -> str:
        """The name of the command's container."""
        return main_name(self.spec, self.pods[-1].pod if self.pods else None)

    @cached_property
    def failure(self) -> Condition | None:
        """The condition by which the Job failed."""
        return find_failure(self.job)

    @cached_property
    def success(self) -> Condition | None:
        """The condition by which the Job succeeded."""
        return find_success(self.job)

    @cached_property
    def victims(self) -> frozenset[str]:
        """UIDs of the pods that the Job deleted itself: their ends are not causes."""
        return find_victims(self.job, self.pods, self.events, self.main)

    @property
    def is_suspended(self) -> bool:
        """Whether the Job waits to be resumed."""
        return bool(self.job and self.job.wants.suspend)

    @property
    def is_managed_elsewhere(self) -> bool:
        """Whether another controller runs it, whose ways are not known here but for the conditions."""
        manager = self.job.wants.managed_by if self.job else None
        return bool(manager) and manager != "kubernetes.io/job-controller"

    @property
    def is_fresh(self) -> bool:
        """Whether the views are young enough for a verdict to rest on what is not there, or on time that passed."""
        fresh = self.snapshot.freshness
        if not fresh.is_synced:
            return False
        return all(at is None or between(at, self.now) <= fresh.silence for at in (fresh.jobs_at, fresh.pods_at))

    def may_be_followed(self, sighting: Sighting) -> bool:
        """Whether the Job may make another pod once this one has failed: of its failures the others are counted."""
        if self.job is None or ignores_some_failure(self.job):
            return True
        limit = self.job.wants.backoff_limit
        limit = BACKOFF_LIMIT if limit is None else limit
        if self.spec.restart_policy == "OnFailure" and sum(map(restarts, self.pods)) >= max(limit, 1):
            return False
        others = sum(one.pod.says.phase == "Failed" for one in self.pods if one is not sighting)
        return max(count_failed(self.job) - counts_as_failed(self.job, sighting.pod), others) < limit

    @property
    def is_running(self) -> bool:
        """Whether main runs in some pod, as far as is known."""
        return any(is_running(one.pod, self.main) and not one.gone_at for one in self.pods)

    @property
    def is_single(self) -> bool:
        """Whether one pod that ends well is the success of the Job."""
        wants = self.job.wants if self.job else None
        return wants is not None and (wants.completions or 1) == 1 and (wants.parallelism or 1) == 1

    def report(self, sighting: Sighting) -> Data | None:
        """Return the wrapper's word about a pod's run: final where there is one, else provisional."""
        said = [report_on_bus(self.snapshot.bus, sighting.pod)]
        for pod in sighting.sights:
            terminated = ended(status_of(pod, self.main))
            said.append(read_report(terminated.message if terminated else None, pod, self.job))
        known = [one for one in said if one]
        return next((one for one in known if is_final(one)), known[0] if known else None)

    def about_pod(self, pod: Pod, *reasons: str) -> tuple[Event, ...]:
        """Return the Events about a pod with one of the reasons, or all of them."""
        return tuple(_chosen(self.events, "Pod", pod.name, pod.uid, reasons))

    def about_job(self, *reasons: str) -> tuple[Event, ...]:
        """Return the Events about the Job with one of the reasons."""
        return tuple(_chosen(self.events, "Job", self.job.name, self.job.uid, reasons)) if self.job else ()


def _chosen(events: Iterable[Event], kind: str, name: str, uid: str, reasons: tuple[str, ...]) -> Iterable[Event]:
    return (event for event in events if (not reasons or event.reason in reasons) and event.is_about(kind, name, uid))


def uncounted(job: Job) -> Uncounted:
    """Return the pods that ended and are not in the Job's counters yet."""
    return job.says.uncounted_terminated_pods or Uncounted()


def count_failed(job: Job | None) -> int:
    """Return how many pods the Job says have failed."""
    return (job.says.failed or 0) + len(uncounted(job).failed or ()) if job else 0


def count_succeeded(job: Job | None) -> int:
    """Return how many pods the Job says have succeeded."""
    return (job.says.succeeded or 0) + len(uncounted(job).succeeded or ()) if job else 0


def restarts(sighting: Sighting) -> int:
    """Return how often the containers of a pod were started again, all together, as the Job controller counts it."""
    says = sighting.pod.says
    statuses = (*(says.init_container_statuses or ()), *(says.container_statuses or ()))
    return sum(one.restart_count or 0 for one in statuses)


def counts_as_failed(job: Job, pod: Pod) -> bool:
    """Whether the Job controller counts a pod as failed: by default as soon as it is being deleted."""
    early = job.wants.pod_failure_policy is None and job.wants.pod_replacement_policy in {None, "TerminatingOrFailed"}
    return pod.says.phase == "Failed" or (early and pod.metadata.deletion_timestamp is not None)


def ignores_some_failure(job: Job) -> bool:
    """Whether its failure policy may let a failure pass, whatever the backoffLimit."""
    policy = job.wants.pod_failure_policy
    return bool(policy and any(rule.action == "Ignore" for rule in policy.rules or ()))


def made_at(pod: Pod) -> datetime:
    """Return when a pod was made; one that does not say comes first."""
    return pod.metadata.creation_timestamp or START


def says_nothing_of_pods(job: Job) -> bool:
    """Whether the Job's own status knows of no pod, now or ever."""
    says = job.says
    return not any((says.active, says.ready, says.terminating, count_failed(job), count_succeeded(job)))
