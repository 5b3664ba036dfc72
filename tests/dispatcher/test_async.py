"""The async face does what the blocking one does, and the loop runs on meanwhile."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from eightbells.dispatcher import AsyncDispatcher, Cancellation, Dispatch
from eightbells.dispatcher.errors import UnknownDispatch
from eightbells.dispatcher.names import DISPATCH_ANNOTATION, job_name

from tests.dispatcher.faults import MISSING, Asked, Reply, created
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


async def test_cancels_that_wait_hold_up_nobody(harbour: Harbour, tmp_path: Path) -> None:
    """Many more than there are threads wait for Jobs that do not go; a submit does not wait for them."""
    names = {job_name("test", name): name for name in (f"slow/{number}" for number in range(12))}

    def found(asked: Asked) -> Reply:
        job = asked.path.rpartition("/")[2]
        annotations = {DISPATCH_ANNOTATION: names[job]}
        return Reply(200, {"metadata": {"name": job, "namespace": "jobs", "uid": "u", "annotations": annotations}})

    harbour.api.tell("GET", found)
    harbour.api.tell("PATCH", Reply(200, {}))
    harbour.api.tell("DELETE", Reply(202, {}))
    harbour.api.tell("POST", created)
    api = harbour.api.connect(tmp_path / "kubeconfig")
    async with AsyncDispatcher(SETTINGS, harbour.server.url, api, concurrency=2) as dispatcher:
        cancels = [asyncio.create_task(dispatcher.cancel(name)) for name in names.values()]
        await wait_until_async(lambda: harbour.api.count("DELETE") == len(names), "all are being deleted")

        assert (await dispatcher.submit(dispatch())).status == "created"
        assert not any(one.done() for one in cancels)
        cancels[0].cancel()
        harbour.api.tell("GET", MISSING)
        results = await asyncio.gather(*cancels, return_exceptions=True)

    assert isinstance(results[0], asyncio.CancelledError)
    assert [one.status for one in results[1:] if isinstance(one, Cancellation)] == ["cancelled"] * 11
    assert len(harbour.endings) == len(names), "who gave up waiting did not give up the cancel"


async def test_who_leaves_a_bulk_run_that_waits_for_input_can_close(harbour: Harbour, tmp_path: Path) -> None:
    """Its thread waits for input that never comes, and nobody waits for that thread."""
    harbour.api.tell("POST", created)
    over = threading.Event()

    def stuck() -> Iterator[Dispatch]:
        yield dispatch("first")
        over.wait()

    async with AsyncDispatcher(
        SETTINGS, harbour.server.url, harbour.api.connect(tmp_path / "kubeconfig")
    ) as dispatcher:

        async def submit() -> None:
            async for _ in dispatcher.submit_many(stuck()):
                first.set()

        first = asyncio.Event()
        submitting = asyncio.create_task(submit())
        await first.wait()
        submitting.cancel()
        await asyncio.wait([submitting])

    over.set()
    assert submitting.cancelled()


def wait_for(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    """In the server's thread: go on when the loop has been able to set it."""
    asyncio.run_coroutine_threadsafe(event.wait(), loop).result(20)
