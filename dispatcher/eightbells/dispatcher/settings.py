"""What an installation decides once for all its dispatches; read at the edge and passed down."""

from eightbells.dispatcher.dispatch import SecretKey
from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`namespace` is the Kubernetes namespace of dispatches that name none, `bus_namespace` where they are registered,
    `cluster` the name of this cluster on the bus.

    `bus_secret` is the Secret that holds the wrapper's URL of the bus, in the namespace of the pod: a URL in a Job
    could be read by everybody who may read Jobs. `bus_ca_secret` holds the certificates (PEM) that it knows the bus by.
    `runtime_image` is what `inject` copies the wrapper from, pulled with `runtime_pull_secrets` too. `require_digest`
    refuses images without one. `keep_evidence` keeps a pod that is deleted until a reconciler has read it, and so needs
    one that takes the finalizer off. `reserve`, `heartbeat` and `publish_timeout` are the wrapper's, in seconds.
    """

    cluster: str
    namespace: str = "default"
    bus_namespace: str = "default"
    bus_secret: SecretKey = SecretKey("eightbells-bus", "url")
    bus_ca_secret: SecretKey | None = None
    runtime_image: str | None = None
    runtime_pull_secrets: tuple[str, ...] = ()
    require_digest: bool = False
    keep_evidence: bool = False
    reserve: float = 2.0
    heartbeat: float = 10.0
    publish_timeout: float = 5.0
