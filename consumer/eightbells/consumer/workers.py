"""The handler at work: as many deliveries at once as asked for, and a decision for each.

Returning commits. An exception gives the ending back with a back-off, or makes it a dead letter after its last try.
"""

import asyncio
import logging
import traceback
from concurrent.futures import ThreadPoolExecutor

from eightbells.consumer.delivery import Delivery
from eightbells.consumer.errors import Retry
from eightbells.consumer.handler import Handler, is_async, make_caller
from eightbells.consumer.lanes import Lanes
from eightbells.consumer.options import Options
from eightbells.consumer.outage import full_jitter
from eightbells.consumer.settlement import Settlement

YIELD_EVERY = 64
"""After so many deliveries a worker lets the other loops run, because a handler that never waits would not."""

TRACEBACK_CHARACTERS = 4096

_log = logging.getLogger(__name__)


class Workers:
    """Calls the handler for what comes out of the lanes."""

    def __init__(self, handler: Handler, lanes: Lanes, settlement: Settlement, options: Options) -> None:
        self._lanes = lanes
        self._settlement = settlement
        self._options = options
        self._is_async = is_async(handler)
        self._threads = ThreadPoolExecutor(options.concurrency, thread_name_prefix="handler")
        self._call = make_caller(handler, self._threads)
        self.handled = 0
        self.failed = 0

    async def work(self) -> None:
        """Handle one delivery after another, for ever; a consumer runs `concurrency` of these."""
        while True:
            delivery = await self._lanes.take()
            try:
                await self._handle(delivery)
            finally:
                self._lanes.leave(delivery)
            self.handled += 1
            if self.handled % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    def close(self) -> None:
        """Let go of the threads; one that still runs a handler is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _handle(self, delivery: Delivery) -> None:
        try:
            await self._call(delivery)
        except asyncio.CancelledError:
            # A thread cannot be stopped: its ending stays leased, so that nobody handles it beside the thread.
            if self._is_async and delivery.fence:
                self._settlement.release(delivery.dispatch, delivery.fence, refund=True)
            raise
        except Exception as error:  # noqa: BLE001  # whatever a handler raises is its answer
            self._fail(delivery, error)
        else:
            if delivery.fence:
                self._settlement.commit(delivery)

    def _fail(self, delivery: Delivery, error: Exception) -> None:
        self.failed += 1
        failure = {"action": "handler_failed", "dispatch": delivery.dispatch, "tries": delivery.tries}
        _log.warning("the handler failed", exc_info=error, extra=failure)
        if not delivery.fence:
            return
        if delivery.tries >= self._options.max_tries:
            tail = "".join(traceback.format_exception(error))[-TRACEBACK_CHARACTERS:]
            self._settlement.bury(delivery.dispatch, delivery.fence, f"{type(error).__name__}: {error}", tail)
            return
        delay = error.delay if isinstance(error, Retry) else None
        if delay is None:
            delay = full_jitter(delivery.tries - 1, self._options.backoff, self._options.backoff_limit)
        self._settlement.release(delivery.dispatch, delivery.fence, delay)
