"""A second reporter: it speaks of dispatches that a wrapper reports already, as a reconciler would."""

import time

from eightbells.consumer.delivery import Delivery
from eightbells.events.contract.scripts import Report
from eightbells.events.document import encode, encode_verdict
from eightbells.events.reporting import GroupList, Published, publish
from eightbells.events.request import execute_async
from eightbells.events.schema import TYPE, Data, Event
from redis.asyncio import Redis

SOURCE = "/eightbells/reconciler/demo/rival"


class Rival:
    """Publishes endings of its own, and other people's again; counts what the bus answered."""

    def __init__(self, client: "Redis", namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._groups = GroupList()
        self.won = 0
        self.refused = 0
        self.recognised = 0

    async def say_lost(self, dispatch: str) -> None:
        """Report that the node of a dispatch is lost."""
        event = lost(dispatch)
        reply = await self._publish(
            Report(
                dispatch,
                "failed",
                run="",
                source=SOURCE,
                document=encode(event),
                code="node_lost",
                verdict=encode_verdict(event),
            )
        )
        self.won += reply.status == "ok"
        self.refused += reply.status == "terminal"

    async def repeat(self, delivery: Delivery) -> None:
        """Publish an event that was accepted once more, as a reporter does that never got its reply."""
        event = delivery.event
        reply = await self._publish(
            Report(
                event.subject,
                event.data.state,
                run=event.data.run or "",
                source=event.source,
                document=delivery.document,
                code=event.data.code or "",
                verdict=encode_verdict(event),
            )
        )
        self.recognised += reply.status == "dup"

    async def _publish(self, report: Report) -> Published:
        while True:
            reply = await execute_async(self._client, publish(self._namespace, self._groups, [report]))
            if not isinstance(reply, GroupList):
                return reply[0]
            self._groups = reply


def lost(dispatch: str) -> Event:
    """Return the ending that the rival believes in."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    data = Data(
        dispatch,
        "failed",
        "reconciler",
        code="node_lost",
        fault="infra",
        retryable="yes",
        charged=False,
        finished_at=now,
        explanation="The node stopped answering.",
        may_still_run=True,
    )
    return Event("1.0", f"{dispatch}/-/failed", SOURCE, TYPE.format(state="failed"), dispatch, now, data)
