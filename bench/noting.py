"""A handler for `eightbells consume`: it notes when it is called, and what the clock was when the command ended."""

import time

from eightbells.consumer.delivery import Delivery

from bench.moments import COMMAND_ENDED, ENDING_HANDLED, RUNNING_HANDLED, note


async def handle(delivery: Delivery) -> None:
    """Note the moments of one event."""
    now = time.time_ns()
    event = delivery.event
    if event.data.state == "running":
        note(delivery.dispatch, RUNNING_HANDLED, now)
    if event.data.state == "completed" and event.data.stdout:
        note(delivery.dispatch, COMMAND_ENDED, int(event.data.stdout.tail))
    if event.is_ending:
        note(delivery.dispatch, ENDING_HANDLED, now)
