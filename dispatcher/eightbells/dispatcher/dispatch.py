"""A dispatch as its caller says it: what to run, with what, for how long, and who is told.

Everything else a pod can have (volumes, affinity, tolerations, sidecars, pull secrets) comes from `template`, a Job or
PodTemplate manifest that is the base. Durations are seconds, sizes Kubernetes' quantities.
"""

from typing import Any, Literal

from msgspec import Struct, field

Security = Literal["standard", "restricted", "image"]
OnDisruption = Literal["retry", "count", "fail"]
Result = Literal["optional", "required"]


class SecretKey(Struct, frozen=True, forbid_unknown_fields=True):
    """One key of a Secret in the dispatch's namespace. The value itself never comes near us."""

    secret: str
    key: str


class Resources(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the command is given, as Kubernetes quantities. The memory request is the limit unless said; of CPU there
    is only a request unless a limit is said, because a limit throttles. `extra` are limits of other resources.
    """

    memory: str | None = None
    memory_request: str | None = None
    cpu: str | None = None
    cpu_limit: str | None = None
    extra: dict[str, str] = {}


class Dispatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A unit of work. Without an `id` it is given one when it is submitted.

    `retries`: further runs after a failed one. `on_disruption`: what a drain or a lost node is: another run that is not
    counted, one that is, or the end; by default "retry" where there are retries, else "fail". `context` is opaque and
    echoed with every ending. `inputs`: text by file name, in `/eightbells-inputs`. `result`: whether the command may or
    must leave one. `inject`: bring the wrapper into an image that does not have it. `rerun_of`: the dispatch this is
    another go at.
    """

    image: str
    id: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    secret_env: dict[str, SecretKey] = {}
    secret_files: dict[str, SecretKey] = {}
    resources: Resources = field(default_factory=Resources)
    timeout: float | None = None
    start_timeout: float = 20 * 60
    grace: float = 30
    retries: int = 0
    on_disruption: OnDisruption | None = None
    labels: dict[str, str] = {}
    context: str = ""
    callback: str | None = None
    ttl: int = 3600
    namespace: str | None = None
    service_account: str | None = None
    security: Security = "standard"
    inject: bool = False
    stream: bool = False
    inputs: dict[str, str] = {}
    result: Result | None = None
    template: dict[str, Any] | None = None
    traceparent: str | None = None
    rerun_of: str | None = None
