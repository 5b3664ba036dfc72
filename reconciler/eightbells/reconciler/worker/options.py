"""How a reconciler works, read once at the edge and passed down."""

from eightbells.reconciler.graces import Graces
from msgspec import Struct


class Options(Struct, frozen=True, kw_only=True):
    """`namespaces`: of Kubernetes; none means all. `poll`: seconds between two lists, instead of watching. `enforce`:
    delete a Job whose dispatch has ended before it started. `is_dry`: say what would be published, and publish
    nothing. `is_once`: decide what is there, and stop; then what waits counts as seen for as long as it says itself.
    """

    namespaces: tuple[str, ...] = ()
    graces: Graces = Graces()
    poll: float | None = None
    enforce: bool = False
    is_dry: bool = False
    is_once: bool = False
    sweep_seconds: float = 5.0
    look_seconds: float = 600.0
