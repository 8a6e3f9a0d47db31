"""The timeline turns a run, its journal and its log into rows on one axis."""

import dataclasses
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from jobs import serialize
from jobs.models import LogLine, Run, Step
from jobs.timeline import Row, Timeline, timeline
from jobs.types import Op, Status, StepStatus

START = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def run(status: Status = Status.COMPLETED, **changes: object) -> Run:
    values = {"queued_at": at(0), "started_at": at(2), "ended_at": at(10) if status == Status.COMPLETED else None}
    return Run(id=uuid4(), function="stepwell-f", status=status, trigger="a/b", **values | changes)


def step(name: str, start: float, end: float | None, **changes: object) -> Step:
    values = {"status": StepStatus.COMPLETED, "op": Op.RUN, "key": f"{name}-{start}", "output": "done"}
    ended = None if end is None else at(end)
    return Step(run_id=uuid4(), name=name, index=0, started_at=at(start), ended_at=ended, **values | changes)


def failed(number: int, start: float, end: float) -> dict[str, object]:
    error = {"code": "error", "name": "ServerError", "message": "503", "stack": ""}
    return {"n": number, "started": at(start).isoformat(), "ended": at(end).isoformat(), "error": error}


def row(shown: Timeline, label: str) -> Row:
    return next(row for row in shown.rows if row.label == label)


def test_the_queue_comes_first_and_its_delay_is_idle() -> None:
    shown = timeline(run(), [], now=at(99))
    queue = shown.rows[0]
    assert (queue.label, queue.took) == ("Queue", 2.0)
    assert [(s.start, s.width, s.idle) for s in queue.segments] == [(0.0, 0.2, True)]


def test_a_step_lies_on_the_axis_where_and_as_long_as_it_ran() -> None:
    shown = timeline(run(), [step("read", 2, 4.5)], now=at(99))
    read = row(shown, "read")
    assert (read.tone, read.took, read.finished, read.output) == ("completed", 2.5, True, "done")
    assert [(s.start, s.width, s.idle) for s in read.segments] == [(0.2, 0.25, False)]


def test_the_axis_of_an_ended_run_is_its_life_and_has_five_even_ticks() -> None:
    assert timeline(run(), [], now=at(99)).ticks == (0.0, 2.5, 5.0, 7.5, 10.0)


def test_the_axis_of_a_live_run_reaches_to_now() -> None:
    assert timeline(run(Status.RUNNING), [], now=at(40)).seconds == 40


def test_each_attempt_has_a_row_and_the_pause_between_them_is_idle() -> None:
    asked = step("ask", 8, 10, attempts=[failed(1, 2, 3), failed(2, 5, 6)])
    shown = timeline(run(), [asked], now=at(99))
    whole = row(shown, "ask")
    assert [(s.tone, s.idle) for s in whole.segments] == [
        ("failed", False),
        ("waiting", True),
        ("failed", False),
        ("waiting", True),
        ("completed", False),
    ]
    assert whole.took == 8.0
    attempts = [(r.label, r.tone, r.took) for r in shown.rows if r.kind == "attempt"]
    assert attempts == [("Attempt 1", "failed", 1), ("Attempt 2", "failed", 1), ("Attempt 3", "completed", 2)]


def test_a_step_that_succeeds_at_once_has_no_row_for_its_attempt() -> None:
    assert [r.label for r in timeline(run(), [step("read", 2, 3)], now=at(99)).rows] == ["Queue", "read"]


def test_the_last_failure_of_a_step_out_of_attempts_is_not_counted_twice() -> None:
    error = {"code": "error", "name": "ServerError", "message": "503", "stack": ""}
    asked = step("ask", 5, 6, status=StepStatus.FAILED, attempts=[failed(1, 2, 3), failed(2, 5, 6)], error=error)
    shown = timeline(run(Status.FAILED, ended_at=at(6)), [asked], now=at(99))
    assert [r.label for r in shown.rows] == ["Queue", "ask", "Attempt 1", "Attempt 2"]
    assert row(shown, "ask").error == error


def test_a_step_between_attempts_is_retrying_until_the_run_wakes() -> None:
    asked = step("ask", 2, None, status=StepStatus.RETRYING, attempts=[failed(1, 2, 3)])
    shown = timeline(run(Status.SLEEPING, run_at=at(30)), [asked], now=at(13))
    whole = row(shown, "ask")
    assert (whole.tone, whole.wakes, whole.took) == ("retrying", at(30), 11.0)
    assert whole.segments[-1].idle


def test_a_cancelled_run_shows_its_open_step_as_not_finished() -> None:
    asked = step("ask", 2, None, status=StepStatus.RETRYING, attempts=[failed(1, 2, 3)])
    shown = timeline(run(Status.CANCELLED, ended_at=at(9)), [asked], now=at(99))
    assert row(shown, "ask").words == "Not finished"


def test_a_sleep_is_idle_up_to_now_and_tells_when_it_wakes() -> None:
    nap = step("nap", 2, None, op=Op.SLEEP, status=StepStatus.SLEEPING, wake_at=at(100))
    shown = timeline(run(Status.SLEEPING, run_at=at(100)), [nap], now=at(20))
    slept = row(shown, "nap")
    assert (slept.tone, slept.wakes, slept.took) == ("sleeping", at(100), 18.0)
    assert [(s.start, s.width, s.idle) for s in slept.segments] == [(0.1, 0.9, True)]


def test_a_sleep_that_is_over_counts_as_finished() -> None:
    nap = step("nap", 2, None, op=Op.SLEEP, status=StepStatus.SLEEPING, wake_at=at(5))
    assert row(timeline(run(), [nap], now=at(99)), "nap").words == "Slept"


def test_a_step_that_runs_now_is_shown_before_it_is_journaled() -> None:
    live = run(Status.RUNNING, current_step="ask")
    shown = timeline(live, [step("read", 2, 4)], now=at(12))
    assert (row(shown, "ask").tone, row(shown, "ask").took) == ("running", 8.0)


def test_a_name_left_over_from_a_finished_step_is_no_running_step() -> None:
    live = run(Status.RUNNING, current_step="read")
    assert [r.label for r in timeline(live, [step("read", 2, 4)], now=at(12)).rows] == ["Queue", "read"]


def test_the_pause_before_the_next_attempt_of_the_body_is_a_row() -> None:
    paused = run(Status.SLEEPING, attempt=1, run_at=at(60))
    shown = timeline(paused, [step("read", 2, 4)], now=at(12))
    assert (shown.rows[-1].label, shown.rows[-1].wakes) == ("Pause before attempt 2", at(60))


def test_steps_of_one_name_are_numbered_and_keep_their_own_log_lines() -> None:
    lines = [LogLine(step="read", level="INFO", message=f"at {n}", at=at(n)) for n in (2.5, 6.5)]
    shown = timeline(run(), [step("read", 2, 3), step("read", 6, 7)], lines, now=at(99))
    assert [line.message for line in row(shown, "read").lines] == ["at 2.5"]
    assert [line.message for line in row(shown, "read (2)").lines] == ["at 6.5"]


@pytest.mark.parametrize("start", [-5, 500])
def test_a_clock_that_went_wrong_leaves_no_segment_off_the_axis(start: float) -> None:
    shown = timeline(run(), [step("read", start, start + 1)], now=at(99))
    for segment in row(shown, "read").segments:
        assert 0 <= segment.start <= segment.end <= 1


def test_a_timeline_is_json() -> None:
    text = serialize.dumps(dataclasses.asdict(timeline(run(), [step("read", 2, 4)], now=at(99))))
    assert serialize.loads(text)["rows"][1]["label"] == "read"
