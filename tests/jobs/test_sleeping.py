"""Sleeps: no worker is held, and the run goes on when the time has come."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import jobs
from jobs import clock
from jobs.models import Run
from jobs.types import Status, StepStatus
from tests.jobs.conftest import Engine


@pytest.mark.parametrize(("duration", "seconds"), [(1500, 1.5), (timedelta(hours=3), 10_800), (0, 0), (-5000, -5)])
def test_a_sleep_lasts_milliseconds_or_a_timedelta(engine: Engine, duration: Any, seconds: float) -> None:
    before = clock.now()
    run = engine.execute(lambda ctx: ctx.step.sleep("pause", duration))
    wakes = engine.step("pause").wake_at
    assert (wakes - before).total_seconds() == pytest.approx(seconds, abs=0.3)
    # Both are counted by the database, the run's in the statement after the step's.
    if run.status == Status.SLEEPING:
        assert timedelta(0) <= run.run_at - wakes < timedelta(seconds=0.3)


def test_a_sleeping_run_wakes_exactly_then(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.sleep("pause", timedelta(hours=3)))
    assert engine.after(run, hours=3, seconds=-1).status == Status.SLEEPING
    assert engine.after(run, seconds=1).status == Status.COMPLETED


def test_a_sleeping_run_holds_no_worker(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.sleep("pause", timedelta(hours=3)))
    assert (run.status, run.current_step) == (Status.SLEEPING, "")
    assert not Run.objects.filter(status=Status.RUNNING).exists()


def test_sleeping_until_a_moment_in_any_zone(engine: Engine) -> None:
    moment = clock.now() + timedelta(days=2)
    local = moment.astimezone(datetime.now().astimezone().tzinfo)
    run = engine.execute(lambda ctx: ctx.step.sleep_until("then", local))
    assert (run.status, run.run_at) == (Status.SLEEPING, moment)
    assert engine.after(run, days=2).status == Status.COMPLETED


def test_a_moment_that_has_passed_does_not_hold_the_run_up(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.sleep_until("then", datetime(2001, 1, 1, tzinfo=UTC)))
    assert run.status == Status.COMPLETED


def test_a_moment_without_a_zone_is_one_of_this_machine(engine: Engine) -> None:
    moment = datetime.now() + timedelta(hours=2)
    run = engine.execute(lambda ctx: ctx.step.sleep_until("then", moment))
    assert (run.status, run.run_at) == (Status.SLEEPING, moment.astimezone(UTC))


def test_a_sleep_is_measured_from_when_it_was_first_met(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.sleep("pause", timedelta(hours=1))
        ctx.step.sleep("again", timedelta(hours=1))

    run = engine.execute(body)
    run = engine.after(run, hours=1)
    first = engine.step("pause").wake_at
    run = engine.after(run, minutes=59)
    assert (run.status, engine.step("pause").wake_at) == (Status.SLEEPING, first)
    assert engine.after(run, minutes=1).status == Status.COMPLETED


def test_a_sleep_taken_over_by_another_worker_keeps_its_end(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.sleep("pause", timedelta(hours=1)))
    wakes = engine.step("pause").wake_at
    # Stands for a worker that died after the journal was written and before the run was settled.
    Run.objects.update(run_at=clock.now())
    run = engine.after(run, minutes=1)
    assert (run.status, run.run_at, engine.step("pause").wake_at) == (Status.SLEEPING, wakes, wakes)


def test_sleeps_of_the_same_name_are_different_sleeps(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        for _ in range(3):
            ctx.step.sleep("pause", timedelta(minutes=1))

    run = engine.execute(body)
    seen = []
    while run.status == Status.SLEEPING:
        seen.append(run.run_at)
        run = engine.after(run, minutes=1)
    assert (run.status, len(set(seen))) == (Status.COMPLETED, 3)
    assert set(run.journal.values_list("status", flat=True)) == {StepStatus.SLEEPING}


def test_an_impossible_length_fails_the_run_in_words(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.sleep("pause", 10**17), retries=0)
    assert (run.status, run.error["name"]) == (Status.FAILED, "InvalidDuration")
