"""Functions with limits for real workers to execute; their steps note when they began and ended."""

import time

import jobs
from tests.jobs.workloads import _mark

client = jobs.Client(app_id="limited")


def _timed(log: str, run_id: str, key: str, seconds: float) -> None:
    _mark(log, f"begin {run_id} {key} {time.time():.6f}")
    time.sleep(seconds)
    _mark(log, f"end {run_id} {key} {time.time():.6f}")


def _work(ctx: jobs.ContextSync) -> None:
    """Take one step of as many seconds as the event says, under its key."""
    data = ctx.event.data
    ctx.step.run("work", _timed, data["log"], ctx.run_id, str(data["key"]), float(data["seconds"]))


def _define(fn_id: str, **limits: object) -> jobs.Function:
    trigger = jobs.TriggerEvent(event=f"test/{fn_id}")
    made: jobs.Function = client.create_function(fn_id=fn_id, trigger=trigger, **limits)(_work)
    return made


THROTTLE = jobs.Throttle(limit=40, period=2000, burst=5)

keyed = _define("keyed", concurrency=[jobs.Concurrency(limit=3, key="event.data.key")])
throttled = _define("throttled", throttle=THROTTLE)
ordered = _define("ordered", concurrency=[jobs.Concurrency(limit=1)], priority=jobs.Priority(run="event.data.priority"))
saturated = _define(
    "saturated", concurrency=[jobs.Concurrency(limit=2)], priority=jobs.Priority(run="event.data.priority")
)
unlimited = _define("unlimited")
