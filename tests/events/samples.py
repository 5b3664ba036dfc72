"""Events to test with: a whole one, in which every field has a value, and a bare one, which has only what it must."""

from typing import Any

from eightbells.events.schema import TYPE, Attempt, Data, Event, Evidence, Output, Place, State
from msgspec.structs import replace

DISPATCH = "nightly/report:2026-11-25"
RUN = "4f6d0a8e-6c1c-4c5e-9f43-0c2b7a3f9d11/0"


def event(data: Data, **envelope: Any) -> Event:
    return Event(
        specversion="1.0",
        id=f"{data.dispatch_id}/{data.run or '-'}/{data.state}",
        source=f"/eightbells/{data.reporter}/batch/report-7d9f",
        type=TYPE.format(state=data.state),
        subject=data.dispatch_id,
        time="2026-11-25T03:00:09.500Z",
        data=data,
        **envelope,
    )


def bare(state: State = "running") -> Event:
    return event(Data(dispatch_id=DISPATCH, state=state, reporter="wrapper"))


WHOLE = event(
    Data(
        dispatch_id=DISPATCH,
        state="failed",
        reporter="wrapper",
        run=RUN,
        attempt=1,
        via="redis",
        code="signalled",
        fault="user",
        retryable="caller",
        charged=True,
        cause="the command was told to stop",
        exit_code=143,
        signal="SIGTERM",
        message="last words of the command",
        explanation="the command ended by SIGTERM",
        remedy="see who sent it",
        terminated_by="SIGTERM",
        started_at="2026-11-25T03:00:00Z",
        finished_at="2026-11-25T03:00:09.500Z",
        duration_seconds=9.5,
        stdout=Output(tail="…done\n", head="begin\n", total_bytes=2**40, truncated=True, escaped=False),
        stderr=Output(tail="\\xff", total_bytes=1, escaped=True),
        result={"rows": [1, 2.5, None, True, "ä"]},
        warnings=("output_truncated",),
        may_still_start=False,
        may_still_run=True,
        place=Place(*(f"p{i}" for i in range(10))),
        attempts=(Attempt(run=RUN, number=1, code="signalled", charged=True, started_at="a", finished_at="b"),),
        labels={"team": "data"},
        rerun_of="nightly/report:2026-11-24",
        evidence=(Evidence(object="Pod/batch/x", field="status.reason", value="Evicted", time="t"),),
    ),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate="vendor=1",
)


def with_data(sample: Event, **changes: Any) -> Event:
    return replace(sample, data=replace(sample.data, **changes))
