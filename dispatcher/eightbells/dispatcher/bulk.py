"""Many dispatches at once: registered up to 500 in a call, created by a bounded number of threads, each with a result
of its own, so that one that is refused does not stop the others.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.errors import DispatcherError
from eightbells.dispatcher.submission import Prepared, Submission, Submitted, Ticket
from eightbells.events.contract.limits import BATCH
from msgspec import Struct


class Outcome(Struct, frozen=True):
    """What became of the dispatch at this place of the input, counted from 0: submitted, or an error."""

    index: int
    id: str
    submitted: Submitted | None = None
    error: DispatcherError | None = None


def submit_many(
    submission: Submission,
    prepare: Callable[[Dispatch], Prepared],
    dispatches: Iterable[Dispatch],
    pool: ThreadPoolExecutor,
    batch: int = 0,
) -> Iterator[Outcome]:
    """Submit dispatches as they come from the iterable; return their outcomes as they become known.

    A batch is registered once all of the one before is created or refused, so that its time to create does not run
    while it waits.
    """
    numbered = enumerate(dispatches)
    while chunk := list(islice(numbered, batch or BATCH)):
        ready: list[tuple[int, Prepared]] = []
        for index, dispatch in chunk:
            try:
                ready.append((index, prepare(dispatch)))
            except DispatcherError as error:
                yield Outcome(index, dispatch.id, error=error)
        if ready:
            yield from _submit_batch(submission, ready, pool)


def _submit_batch(
    submission: Submission, ready: list[tuple[int, Prepared]], pool: ThreadPoolExecutor
) -> Iterator[Outcome]:
    try:
        tickets = submission.register([wanted for _, wanted in ready])
    except DispatcherError as error:
        yield from (Outcome(index, wanted.id, error=error) for index, wanted in ready)
        return
    pending: set[Future[Outcome]] = {
        pool.submit(_submit, submission, index, wanted, ticket)
        for (index, wanted), ticket in zip(ready, tickets, strict=True)
    }
    try:
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (one.result() for one in done)
    finally:
        for one in pending:  # whoever asked has gone, or was interrupted: what has not begun is not begun
            one.cancel()


def _submit(submission: Submission, index: int, wanted: Prepared, ticket: Ticket) -> Outcome:
    try:
        return Outcome(index, wanted.id, submission.submit(wanted, ticket))
    except DispatcherError as error:
        return Outcome(index, wanted.id, error=error)
