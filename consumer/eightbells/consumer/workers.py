"""The handler at work: as many deliveries at once as asked for, and a decision for each.

Returning commits. An exception gives the ending back with a back-off, or makes it a dead letter after its last try.
"""

import asyncio
import logging
import traceback
from concurrent.futures import ThreadPoolExecutor

from eightbells.consumer.delivery import Delivery
from eightbells.consumer.errors import Retry
from eightbells.consumer.handler import Handler, check_handler, is_async, make_caller
from eightbells.consumer.lanes import Lanes
from eightbells.consumer.options import Options
from eightbells.consumer.outage import full_jitter
from eightbells.consumer.settlement import Settlement

YIELD_EVERY = 64
"""After so many deliveries a worker lets the other loops run, because a handler that never waits would not."""

ERROR_CHARACTERS = 1024
TRACEBACK_CHARACTERS = 4096
"""What a dead letter keeps of the last error: the beginning of its message, and the end of its traceback."""

_log = logging.getLogger(__name__)


class Workers:
    """Calls the handler for what comes out of the lanes. `handled` counts calls that ended, `failed` those that did
    with an exception.
    """

    def __init__(self, handler: Handler, lanes: Lanes, settlement: Settlement, options: Options) -> None:
        check_handler(handler)
        self._lanes = lanes
        self._settlement = settlement
        self._options = options
        self._is_async = is_async(handler)
        self._threads = ThreadPoolExecutor(options.concurrency, thread_name_prefix="handler")
        self._call = make_caller(handler, self._threads)
        self._is_stopping = False
        self.handled = 0
        self.failed = 0

    async def work(self) -> None:
        """Handle one delivery after another, until `stop`; a consumer runs `concurrency` of these."""
        while not self._is_stopping:
            delivery = await self._lanes.take()
            try:
                if self._settlement.may_handle(delivery):
                    await self._handle(delivery)
            finally:
                self._lanes.leave(delivery)
            if self.handled % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    def stop(self) -> None:
        """From now on a handler that is cancelled is one that had no time to end: its ending is handed back."""
        self._is_stopping = True

    def close(self) -> None:
        """Let go of the threads; one that still runs a handler is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _handle(self, delivery: Delivery) -> None:
        try:
            await self._call(delivery)
        except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001  # its answer, whatever it is
            if self._is_stopping:
                self._hand_back(delivery)
                return
            self._fail(delivery, error)
        else:
            if delivery.fence:
                self._settlement.commit(delivery)
        self.handled += 1

    def _hand_back(self, delivery: Delivery) -> None:
        # A thread cannot be stopped: its ending stays leased, so that nobody handles it beside the thread.
        if self._is_async and delivery.fence:
            self._settlement.release(delivery.dispatch, delivery.fence, refund=True)

    def _fail(self, delivery: Delivery, error: BaseException) -> None:
        self.failed += 1
        failure = {"action": "handler_failed", "dispatch": delivery.dispatch, "tries": delivery.tries}
        _log.warning("the handler failed", exc_info=error, extra=failure)
        if not delivery.fence:
            return
        if delivery.tries >= self._options.max_tries:
            self._settlement.bury(delivery.dispatch, delivery.fence, *describe(error))
            return
        delay = error.delay if isinstance(error, Retry) else None
        if delay is None:
            delay = full_jitter(delivery.tries - 1, self._options.backoff, self._options.backoff_limit)
        self._settlement.release(delivery.dispatch, delivery.fence, delay)


def describe(error: BaseException) -> tuple[str, str]:
    """Return an error's own line and the end of its traceback; an error that cannot even be printed has both."""
    line = traceback.format_exception_only(error)[-1].strip()
    return line[:ERROR_CHARACTERS], "".join(traceback.format_exception(error))[-TRACEBACK_CHARACTERS:]
