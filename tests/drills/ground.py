"""Where drills run: namespaces, a bus, a registry, a reconciler and a consumer; and all of some drills side by side."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex

from eightbells.events.schema import Data

from tests.cluster.cluster import Cluster
from tests.cluster.images import find_program
from tests.cluster.oci import busybox_image, make_image
from tests.cluster.registry import Registry
from tests.drills.case import Case
from tests.drills.drill import Drill, Form
from tests.drills.hearing import Handled, Heard, listening
from tests.drills.recording import record
from tests.drills.sights import Sights, watching
from tests.e2e.images import Images
from tests.e2e.reconciling import Yard, open_yard
from tests.e2e.site import BUS, Site, create_secret, open_site
from tests.waiting import wait_until

SECONDS = 240
AT_ONCE = 16
"""Jobs that start in the same moment: more only wait for one another on two cores."""

GRACES = {
    "image_not_found": "10s",
    "image_unauthorized": "10s",
    "image_never_pull": "10s",
    "image_registry_unavailable": "45s",
    "image_pull_failed": "10s",
    "container_config_error": "10s",
    "container_create_error": "10s",
    "start_error": "10s",
    "crash_loop": "10s",
    "cannot_start": "45s",
    "unschedulable": "10s",
    "sandbox_or_volume": "10s",
    "pod_create_denied": "5s",
    "quota_exceeded": "5s",
    "webhook_unavailable": "5s",
    "node_lost": "5s",
}
"""Shorter than the usual ones, which are minutes. A registry has time to come back."""


@dataclass(frozen=True)
class Outcome:
    """What came of a drill, in one form: the ending that was handled, what of it was wrong, and when things were."""

    drill: Drill
    form: Form
    data: Data | None
    problems: tuple[str, ...]
    to_status: float | None = field(default=None)
    to_handler: float | None = field(default=None)


class Ground:
    def __init__(self, site: Site, registry: Registry, handled: Handled, sights: Sights) -> None:
        self.site = site
        self.registry = registry
        self.handled = handled
        self.sights = sights

    def reference(self, drill: Drill, dispatch: str) -> str:
        """The image that a drill pulls; nobody else has it."""
        if drill.registry is None:
            return ""
        behaves = drill.failures is not None
        image = busybox_image(find_program("busybox")) if behaves else make_image({"bin/program": os.urandom(16)})
        self.registry.add(f"{dispatch}:1", image, drill.registry, drill.failures)
        return f"{self.registry.address}/{dispatch}:1"

    def run(self, cases: Sequence[Case], recorded: Path | None = None) -> list[Outcome]:
        """Cause all of them side by side, and see what their consumer is told. Record what went wrong."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(cause, cases))
        for case in cases:
            if case.drill.expected(case.form) and not case.problem:
                self._wait_for(case)
        outcomes = [self._outcome(case) for case in cases]
        for case, outcome in zip(cases, outcomes, strict=True):
            if recorded and outcome.problems:
                record(case, recorded)
        return outcomes

    def _wait_for(self, case: Case) -> None:
        try:
            wait_until(lambda: self._heard(case), f"{case.dispatch} ends", within=SECONDS, pause=0.1)
        except AssertionError:
            case.problem = f"no ending within {SECONDS} s"

    def _heard(self, case: Case) -> list[Heard]:
        return self.handled.of(case.dispatch)

    def _outcome(self, case: Case) -> Outcome:
        heard, logged = self._heard(case), case.site.endings(case.dispatch)
        expected = case.drill.expected(case.form)
        problems = [case.problem] if case.problem else []
        if len(heard) > 1 or len(logged) > 1:
            problems.append(f"{len(logged)} endings, handled {len(heard)} times")
        if not heard or not expected:
            return Outcome(case.drill, case.form, heard[0].data if heard else None, tuple(problems))
        first = heard[0]
        problems += expected.differences(first.data)
        begun = case.begun_at(first.data)
        seen = self.sights.first(case.dispatch, begun)
        to_status = max(0.0, seen - begun) if seen else None
        return Outcome(case.drill, case.form, first.data, tuple(problems), to_status, max(0.0, first.at - begun))


def cause(case: Case) -> None:
    """Submit one and do to it what is to be done; what goes wrong is told at its outcome, beside the others'."""
    try:
        case.submit()
        case.act()
    except Exception as error:  # noqa: BLE001  # of any kind, in a thread: the other drills go on
        case.problem = f"not caused: {type(error).__name__}: {' '.join(str(error).split())[:300]}"


@contextmanager
def open_ground(
    cluster: Cluster, images: Images, directory: Path, drills: Sequence[Drill], form: Form
) -> Iterator[tuple[Ground, list[Case]]]:
    """Everything that these drills need in a form, and their cases; nothing of it is left at the end."""
    with ExitStack() as stack:
        shared = stack.enter_context(cluster.namespace())
        site = stack.enter_context(open_site(cluster, shared, images))
        registry = stack.enter_context(Registry(cluster.host_address))
        cluster.use_registry(registry.address)
        handled = stack.enter_context(listening(site.server.url, BUS))
        sights = stack.enter_context(watching(cluster))
        ground, run = Ground(site, registry, handled, sights), token_hex(2)
        cases = [prepare(stack, ground, drill, form, f"{drill.name}-{form}-{run}") for drill in drills]
        yard = stack.enter_context(open_yard(cluster, shared, site.server.url, directory))
        start_reconciler(yard, sorted({case.site.namespace for case in cases} | {shared}))
        yield ground, cases


def prepare(stack: ExitStack, ground: Ground, drill: Drill, form: Form, dispatch: str) -> Case:
    """A case with its namespace, its image and its node."""
    site, cluster = ground.site, ground.site.cluster
    if drill.is_alone:
        namespace = stack.enter_context(cluster.namespace(drill.labels))
        create_secret(cluster, namespace, site.pod_url)
        site = replace(site, namespace=namespace)
        stack.callback(site.close)
        if drill.prepare:
            drill.prepare(site, stack)
    node = stack.enter_context(cluster.spare_node()) if drill.needs_node else None
    if node:
        node.use_registry(ground.registry.address)
    return Case(drill, form, site, dispatch, ground.reference(drill, dispatch), node)


def start_reconciler(yard: Yard, namespaces: Sequence[str]) -> None:
    """One of all these namespaces, with the graces of the drills."""
    others = [word for name in namespaces if name != yard.namespace for word in ("-n", name)]
    graces = [word for code, grace in GRACES.items() for word in ("--grace-of", f"{code}={grace}")]
    yard.reconcile(*others, *graces).wait_until_watching()
