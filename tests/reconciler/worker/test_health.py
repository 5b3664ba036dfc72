"""What a probe and Prometheus get to see."""

from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from eightbells.reconciler.informer.cache import Sizes
from eightbells.reconciler.informer.tally import Figures
from eightbells.reconciler.worker.health import serving
from eightbells.reconciler.worker.metrics import Metrics

FIGURES = Figures(1.5, {"start": 2, "expired": 1}, 3, Sizes(jobs=10, pods=20, settled=5, gone=4, dropped=6))


class Checked:
    """What is the matter with a reconciler."""

    def __init__(self) -> None:
        self.dead: str | None = None
        self.unready: str | None = None
        self.metrics = Metrics()
        self.port = 0

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def checked() -> Iterator[Checked]:
    one = Checked()
    one.metrics.watch(lambda: FIGURES)
    registry = one.metrics.registry
    with serving(0, lambda: one.dead, lambda: one.unready, registry, host="127.0.0.1") as one.port:
        yield one


def test_probes_say_yes_or_why_not(checked: Checked) -> None:
    """200, or 503 with the reason."""
    assert checked.get("/livez") == (200, "ok\n")
    assert checked.get("/readyz") == (200, "ok\n")
    checked.dead, checked.unready = "stuck", "not listed yet"
    assert checked.get("/livez") == (503, "stuck\n")
    assert checked.get("/readyz") == (503, "not listed yet\n")


def test_another_path_says_what_there_is(checked: Checked) -> None:
    """404, with the paths."""
    assert checked.get("/") == (404, "/livez, /readyz or /metrics\n")


def test_numbers_are_there_for_prometheus(checked: Checked) -> None:
    """Those of the loop and those of the informer."""
    checked.metrics.verdicts.labels("oom_killed", "ok").inc()
    status, text = checked.get("/metrics")
    assert status == 200
    lines = text.splitlines()
    for line in (
        'eightbells_reconciler_verdicts_total{code="oom_killed",status="ok"} 1.0',
        "eightbells_reconciler_watch_age_seconds 1.5",
        'eightbells_reconciler_relists_total{cause="expired"} 1.0',
        "eightbells_reconciler_decode_errors_total 3.0",
        "eightbells_reconciler_cached_pods 20.0",
        "eightbells_reconciler_settled_jobs 5.0",
        "eightbells_reconciler_tombstones_dropped_total 6.0",
    ):
        assert line in lines
