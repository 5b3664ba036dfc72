"""The wrapper's own word about a run: its document on the bus, or the termination message that stands in for it.

The text of a termination message is the command's: it is believed only for the dispatch of its own Job and for the run
of its own pod. A provisional one (`running`) gives output, never a verdict.
"""

from json import JSONDecoder

import msgspec
from eightbells.events.codes import Code
from eightbells.events.schema import Data
from eightbells.reconciler.marks import dispatch_of
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.snapshot import Bus
from eightbells.reconciler.times import moment_of, timestamp
from msgspec.structs import replace

WITNESSED = frozenset(
    {
        *(Code.EXITED_ZERO, Code.EXIT_NONZERO, Code.SIGNALLED, Code.KILLED_137, Code.OOM_KILLED),
        *(Code.DEADLINE_EXCEEDED, Code.COMMAND_NOT_FOUND, Code.COMMAND_NOT_EXECUTABLE, Code.RESULT_INVALID),
        *(Code.CANNOT_START, Code.CANCELLED),
    }
)
"""What a wrapper says of its command. Any other code is a command's own invention: that its node was lost is free."""

_decoder = msgspec.json.Decoder(Data)
_scanner = JSONDecoder()


def read_report(text: str | None, pod: Pod, job: Job | None) -> Data | None:
    """Return the record in a termination message, or None where it is none, or is about something else.

    What a command appended to a provisional record, before it was killed together with the wrapper, is its message.
    """
    text = (text or "").lstrip()
    if not text.startswith("{"):
        return None
    try:
        _, end = _scanner.raw_decode(text)
        said = _decoder.decode(text[:end].encode("utf-8", "replace"))
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
    if said.reporter != "wrapper" or not (said.run or "").startswith(f"{pod.uid}.") or not pod.uid:
        return None
    if said.dispatch_id not in {dispatch_of(job), dispatch_of(pod)} - {None}:
        return None
    return replace(_with_real_times(said), via="termination-message", message=text[end:].strip(" \n\0") or said.message)


def report_on_bus(bus: Bus | None, pod: Pod) -> Data | None:
    """Return the newest attempt's document where it is of this pod."""
    said = bus.newest if bus else None
    if said is None or said.reporter != "wrapper" or not pod.uid or not (said.run or "").startswith(f"{pod.uid}."):
        return None
    return _with_real_times(said)


def is_final(report: Data | None) -> bool:
    """Whether it says how the command ended."""
    return report is not None and report.state != "running" and code_of(report) in WITNESSED


def code_of(report: Data | None) -> Code | None:
    """Return the code that a report speaks of, where we know it."""
    return report.known_code if report else None


def ended_by_itself(report: Data | None) -> bool:
    """Whether the command ended before anybody outside told it to: then nothing that came later ended it."""
    return is_final(report) and report is not None and (report.terminated_by or "timeout").startswith("timeout")


def was_told_to_stop(report: Data | None) -> bool:
    """Whether the command ended after somebody outside had told it to."""
    return is_final(report) and not ended_by_itself(report)


def _with_real_times(said: Data) -> Data:
    times = {name: timestamp(moment_of(getattr(said, name))) for name in ("started_at", "finished_at")}
    return replace(said, **times)
