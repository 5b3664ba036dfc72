"""The commands that docs/reconcile.md asks for are what the reconciler's user of the bus needs, and no more."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from eightbells.events.contract import scripts

from tests.reconciler.informer.objects import terminated
from tests.reconciler.worker.post import Post
from tests.servers.server import Server

PAGE = (Path(__file__).resolve().parents[3] / "docs/reconcile.md").read_text()
COMMANDS = re.findall(r"`([A-Z]+)`", PAGE.partition("On the bus its user needs")[2].partition("`INFO` is how")[0])
OWN = {"EVALSHA", "EVAL", "TIME", "INFO", "HEXISTS", "HGETALL", "HMGET", "PTTL", "ZRANGE"}
"""What the reconciler sends itself; a script's commands are checked, too."""


def test_the_page_names_what_is_sent_and_what_the_scripts_call() -> None:
    """Nothing is missing, and nothing is asked for in vain."""
    texts = scripts.text("publish") + scripts.text("look")
    assert set(COMMANDS) == OWN | set(re.findall(r"redis\.call\('([A-Z]+)'", texts))
    assert len(COMMANDS) == len(set(COMMANDS))


@pytest.fixture
def limited(valkey: Server) -> Iterator[Post]:
    """A reconciler that may do what the page says."""
    commands = [f"+{name.lower()}" for name in COMMANDS]
    user = {"enabled": True, "passwords": "+any", "keys": "{eb:test}:*", "commands": commands, "reset": True}
    valkey.client().acl_setuser("reconciler", **user)  # type: ignore[arg-type]
    post = Post(valkey, url=valkey.url.replace("redis://", "redis://reconciler:any@"))
    yield post
    post.close()


def test_the_commands_of_the_page_are_enough(limited: Post) -> None:
    """Endings, attempts, a group that goes dormant, a sweep, and whether it is the same server."""
    limited.continuity.check()
    assert limited.link.run_id()
    limited.bus.add("idle")
    limited.show_job(spec={"backoffLimit": 3})
    limited.show_pod("p", terminated(7))
    limited.work()
    limited.bus.client.hset(limited.bus.key("cfg"), "s:idle", 1)
    limited.show_job("k", "e")
    limited.show_pod("q", terminated(7), job="k", dispatch="e")
    limited.work()
    limited.bus.register("f", cluster="c", namespace="batch", job="job-f", job_uid="f", create_ms=0)
    limited.sweep()
    assert len(limited.attempts()) == 1
    assert (limited.ending("e").code, limited.ending("f").code) == ("exit_nonzero", "unknown")
    assert limited.bus.client.hexists(limited.bus.key("cfg"), "x:idle")
