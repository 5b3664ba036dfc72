"""The async face does what the blocking one does, and the loop runs on meanwhile."""

import asyncio
from pathlib import Path

import pytest
from eightbells.dispatcher import AsyncDispatcher
from eightbells.dispatcher.errors import UnknownDispatch

from tests.dispatcher.faults import MISSING, created
from tests.dispatcher.submitting import SETTINGS, Harbour, dispatch
from tests.waiting import wait_until_async


async def test_everything_can_be_awaited(harbour: Harbour, tmp_path: Path) -> None:
    """Submit, many at once, get and cancel; errors come as they do there."""
    harbour.api.tell("POST", created)
    harbour.api.tell("GET", MISSING)
    api = harbour.api.connect(tmp_path / "kubeconfig")
    async with AsyncDispatcher(SETTINGS, harbour.server.url, api) as dispatcher:
        submitted = await asyncio.gather(*(dispatcher.submit(dispatch(f"one/{number}")) for number in range(40)))
        many = [one async for one in dispatcher.submit_many(dispatch(f"many/{number}") for number in range(40))]
        found = await dispatcher.cancel("one/0")
        report = await dispatcher.get("one/0")
        with pytest.raises(UnknownDispatch):
            await dispatcher.get("never")

    assert {one.status for one in submitted} == {"created"}
    assert sorted(one.index for one in many) == list(range(40))
    assert (found.status, report.verdict and report.verdict.code) == ("cancelled", "cancelled")


async def test_the_loop_runs_on_while_a_submit_waits(harbour: Harbour, tmp_path: Path) -> None:
    """A POST that is not answered yet holds up nobody else."""
    others = asyncio.Event()
    loop = asyncio.get_running_loop()
    harbour.api.tell("POST", lambda asked: created(asked)._replace(then=lambda: wait_for(loop, others)))
    async with AsyncDispatcher(
        SETTINGS, harbour.server.url, harbour.api.connect(tmp_path / "kubeconfig")
    ) as dispatcher:
        submitting = asyncio.create_task(dispatcher.submit(dispatch()))
        await wait_until_async(lambda: harbour.api.asked, "the POST has come")
        others.set()

        assert (await submitting).status == "created"


def wait_for(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    """In the server's thread: go on when the loop has been able to set it."""
    asyncio.run_coroutine_threadsafe(event.wait(), loop).result(20)
