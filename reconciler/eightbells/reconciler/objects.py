"""The Kubernetes objects, as far as a rule reads them: everything may be absent or null, and what is not here is
ignored.

Field names are Kubernetes' own, in snake case. What a rule asks of an object alone is a property here.
"""

import re

import msgspec
from eightbells.reconciler.parts import Condition, Int, Owner, Part, Thing, Time, named

_POD_NAME = re.compile(r"(?:-(\d{1,9}))?-[a-z0-9]{5}")

Quantity = str | Int | float | None


class Resources(Part, frozen=True):
    """Requests and limits of a container."""

    limits: dict[str, Quantity] | None = None


class Container(Part, frozen=True):
    """A container as the pod asks for it; `restart_policy` is there on native sidecars."""

    name: str | None = None
    image: str | None = None
    command: tuple[str, ...] | None = None
    resources: Resources | None = None
    restart_policy: str | None = None


class Toleration(Part, frozen=True):
    """What the pod bears of its node, and for how long."""

    key: str | None = None
    effect: str | None = None
    toleration_seconds: Int | None = None


class Gate(Part, frozen=True):
    """What holds the pod back from the scheduler."""

    name: str | None = None


class PodSpec(Part, frozen=True):
    """What was asked for."""

    node_name: str | None = None
    scheduler_name: str | None = None
    restart_policy: str | None = None
    termination_grace_period_seconds: Int | None = None
    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    tolerations: tuple[Toleration, ...] | None = None
    scheduling_gates: tuple[Gate, ...] | None = None


class Waiting(Part, frozen=True):
    """Why a container does not run."""

    reason: str | None = None
    message: str | None = None


class Running(Part, frozen=True):
    """Since when a container runs."""

    started_at: Time | None = None


class Terminated(Part, frozen=True):
    """How a container ended. `started_at` is 1970-01-01 where it never did, and null where nobody knows."""

    exit_code: Int | None = None
    reason: str | None = None
    message: str | None = None
    started_at: Time | None = None
    finished_at: Time | None = None


class ContainerState(Part, frozen=True):
    """One of three, or none at all, which means waiting."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Part, frozen=True):
    """What the kubelet last said of a container."""

    name: str | None = None
    state: ContainerState | None = None
    last_state: ContainerState | None = None
    started: bool | None = None
    restart_count: Int | None = None
    image: str | None = None
    image_id: str | None = msgspec.field(name="imageID", default=None)

    @property
    def now(self) -> ContainerState:
        """How it is."""
        return self.state or ContainerState()

    @property
    def last(self) -> ContainerState:
        """How its last run was."""
        return self.last_state or ContainerState()


class PodStatus(Part, frozen=True):
    """What was last said of a pod. `phase` is no guide to anything by itself."""

    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    conditions: tuple[Condition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None


class Pod(Thing, frozen=True):
    """A Pod."""

    spec: PodSpec | None = None
    status: PodStatus | None = None

    @property
    def wants(self) -> PodSpec:
        """What was asked for."""
        return self.spec or PodSpec()

    @property
    def says(self) -> PodStatus:
        """What was last said of it."""
        return self.status or PodStatus()

    @property
    def controller(self) -> Owner | None:
        """Who made it: a Job, or whatever else."""
        owners = self.metadata.owner_references or ()
        return next((owner for owner in owners if owner.controller), owners[0] if owners else None)

    def condition(self, kind: str) -> Condition | None:
        """Return the condition, whatever its status is."""
        return named(self.says.conditions, kind)

    def holds(self, kind: str) -> Condition | None:
        """Return the condition where its status is True."""
        found = self.condition(kind)
        return found if found and found.is_true else None


class Template(Part, frozen=True):
    """The pod that a Job makes."""

    spec: PodSpec | None = None


class Rule(Part, frozen=True):
    """A rule of a podFailurePolicy."""

    action: str | None = None


class Policy(Part, frozen=True):
    """A podFailurePolicy."""

    rules: tuple[Rule, ...] | None = None


class JobSpec(Part, frozen=True):
    """What was asked for."""

    backoff_limit: Int | None = None
    backoff_limit_per_index: Int | None = None
    completions: Int | None = None
    parallelism: Int | None = None
    active_deadline_seconds: Int | None = None
    ttl_seconds_after_finished: Int | None = None
    suspend: bool | None = None
    managed_by: str | None = None
    pod_failure_policy: Policy | None = None
    pod_replacement_policy: str | None = None
    template: Template | None = None


class Uncounted(Part, frozen=True):
    """UIDs of pods that ended and are not in the counters yet."""

    succeeded: tuple[str, ...] | None = None
    failed: tuple[str, ...] | None = None


class JobStatus(Part, frozen=True):
    """What the Job controller last said. The conditions decide, the counters only tell whether there ever was a pod."""

    conditions: tuple[Condition, ...] | None = None
    start_time: Time | None = None
    active: Int | None = None
    ready: Int | None = None
    terminating: Int | None = None
    failed: Int | None = None
    succeeded: Int | None = None
    uncounted_terminated_pods: Uncounted | None = None


class Job(Thing, frozen=True):
    """A Job."""

    spec: JobSpec | None = None
    status: JobStatus | None = None

    @property
    def wants(self) -> JobSpec:
        """What was asked for."""
        return self.spec or JobSpec()

    @property
    def says(self) -> JobStatus:
        """What was last said of it."""
        return self.status or JobStatus()

    @property
    def template(self) -> PodSpec:
        """What its pods are asked to be."""
        template = self.wants.template or Template()
        return template.spec or PodSpec()

    def holds(self, kind: str) -> Condition | None:
        """Return the condition where its status is True."""
        found = named(self.says.conditions, kind)
        return found if found and found.is_true else None

    def may_have_made(self, pod: str) -> bool:
        """Whether a pod has a name as the controller makes it: the Job's, perhaps an index, and five letters."""
        made = _POD_NAME.fullmatch(pod.removeprefix(self.name)) if pod.startswith(self.name) else None
        return made is not None and (made[1] is None or int(made[1]) < (self.wants.completions or 1))


class NodeStatus(Part, frozen=True):
    """What the kubelet, or the controller in its place, last said."""

    conditions: tuple[Condition, ...] | None = None


class Node(Thing, frozen=True):
    """A Node: whether it is ready."""

    status: NodeStatus | None = None

    @property
    def is_ready(self) -> bool:
        """Whether its own condition says so; one that says nothing is not ready."""
        found = named((self.status or NodeStatus()).conditions, "Ready")
        return bool(found and found.is_true)
