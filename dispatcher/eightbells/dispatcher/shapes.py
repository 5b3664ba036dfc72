"""The shape of what we read in a template: types only, for a message that names the place of what has another.

Everything that is not here passes through as it is, and is the API server's to judge.
"""

from typing import Any, Required, TypedDict


class Metadata(TypedDict, total=False):
    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str]
    finalizers: list[str]
    ownerReferences: list[dict[str, Any]]


class Named(TypedDict, total=False):
    name: Required[str]


class Variable(Named, total=False):
    value: str
    valueFrom: dict[str, Any]


class Mount(Named, total=False):
    mountPath: Required[str]


class ImageSource(TypedDict, total=False):
    reference: str


class Volume(Named, total=False):
    image: ImageSource


class Amounts(TypedDict, total=False):
    limits: dict[str, str | int | float]
    requests: dict[str, str | int | float]


class Capabilities(TypedDict, total=False):
    add: list[str]
    drop: list[str]


class Profile(TypedDict, total=False):
    type: Required[str]


class Context(TypedDict, total=False):
    allowPrivilegeEscalation: bool
    capabilities: Capabilities
    privileged: bool
    runAsNonRoot: bool
    runAsUser: int
    appArmorProfile: Profile
    seccompProfile: Profile


class Container(Named, total=False):
    image: str
    imagePullPolicy: str
    command: list[str]
    args: list[str]
    env: list[Variable]
    volumeMounts: list[Mount]
    resources: Amounts
    securityContext: Context
    terminationMessagePath: str
    terminationMessagePolicy: str


class System(TypedDict, total=False):
    name: str


class PodSpec(TypedDict, total=False):
    os: System
    containers: list[Container]
    initContainers: list[Container]
    volumes: list[Volume]
    imagePullSecrets: list[Named]
    securityContext: Context


class PodTemplate(TypedDict, total=False):
    metadata: Metadata
    spec: PodSpec


class Policy(TypedDict, total=False):
    rules: list[dict[str, Any]]


class JobSpec(TypedDict, total=False):
    completions: int
    completionMode: str
    parallelism: int
    podFailurePolicy: Policy
    template: PodTemplate


class JobTemplate(TypedDict, total=False):
    metadata: Metadata
    spec: JobSpec


class CronJobSpec(TypedDict, total=False):
    jobTemplate: JobTemplate


class CronJob(TypedDict, total=False):
    metadata: Metadata
    spec: CronJobSpec


class PodTemplateObject(TypedDict, total=False):
    metadata: Metadata
    template: PodTemplate


SHAPES: dict[str, Any] = {"Job": JobTemplate, "CronJob": CronJob, "PodTemplate": PodTemplateObject}
"""By the kind of the manifest."""
