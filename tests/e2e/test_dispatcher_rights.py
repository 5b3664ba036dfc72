"""deploy/dispatcher-role.yaml is what the dispatcher needs, and nothing more."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from eightbells.dispatcher import Dispatcher
from eightbells.dispatcher.connection import Connection
from eightbells.dispatcher.errors import Forbidden

from tests.e2e.rights import documented_verbs, grant
from tests.e2e.site import Site


@contextmanager
def limited(site: Site, directory: Path, without: str = "") -> Iterator[Dispatcher]:
    """A dispatcher with the documented rights, less one verb."""
    token = grant(site.cluster, site.namespace, without)
    kubeconfig = site.cluster.write_kubeconfig(directory / "kubeconfig", token, site.namespace)
    with Dispatcher(site.settings, site.server.url, Connection.find(str(kubeconfig))) as dispatcher:
        yield dispatcher


def use_all(site: Site, dispatcher: Dispatcher) -> None:
    """All that a dispatcher does: submit, submit again, get, cancel."""
    dispatch = site.dispatch("sleep", "1000", id="rights", grace=1)
    assert dispatcher.submit(dispatch).status == "created"
    assert dispatcher.submit(dispatch).status == "existing"
    report = dispatcher.get("rights")
    if report.problem:
        raise Forbidden(report.problem)
    assert dispatcher.cancel("rights").status == "cancelled"


def test_the_documented_role_is_enough(site: Site, tmp_path: Path) -> None:
    """Everything that a dispatcher does works with it."""
    with limited(site, tmp_path) as dispatcher:
        use_all(site, dispatcher)


@pytest.mark.parametrize("verb", documented_verbs())
def test_each_verb_of_the_role_is_needed(site: Site, tmp_path: Path, verb: str) -> None:
    """Without it something fails, and the message says what was not allowed."""
    with (
        limited(site, tmp_path, without=verb) as dispatcher,
        pytest.raises(Forbidden, match=f'cannot {verb} resource "jobs"'),
    ):
        use_all(site, dispatcher)
