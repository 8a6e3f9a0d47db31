"""Timeouts(start, finish): a run that has not begun, or not ended, in time is cancelled, even if nothing runs."""

from datetime import timedelta
from typing import Any

import jobs
from jobs import actions, deliveries, testing
from jobs.models import Event, Run
from jobs.types import Status
from tests.jobs.conftest import Counter, Engine, Flaky
from tests.jobs.working import at_work, worked

HOUR = timedelta(hours=1)


def sleeper(ctx: jobs.ContextSync) -> str:
    ctx.step.sleep("nap", timedelta(days=1))
    return "rested"


def test_a_run_that_has_not_ended_in_time_is_cancelled(engine: Engine) -> None:
    run = engine.execute(sleeper, timeouts=jobs.Timeouts(finish=HOUR))
    assert engine.after(run, minutes=59).status == Status.SLEEPING
    run = engine.after(run, minutes=2)
    assert run.status == Status.CANCELLED
    assert (run.error["code"], run.error["name"]) == ("timed_out", "Cancelled")
    assert "not ended in time" in run.error["message"]
    assert Event.objects.filter(name="jobs/function.cancelled").count() == 1


def test_a_run_that_has_not_started_in_time_is_cancelled(engine: Engine) -> None:
    counter = Counter()
    run = engine.start(lambda ctx: counter(), timeouts=jobs.Timeouts(start=HOUR))
    run = engine.after(run, hours=2)
    assert (run.status, counter.calls) == (Status.CANCELLED, 0)
    assert "not started in time" in run.error["message"]


def test_a_run_that_started_in_time_may_take_any_time(engine: Engine) -> None:
    run = engine.execute(sleeper, timeouts=jobs.Timeouts(start=HOUR))
    assert engine.to_its_end(run).output == "rested"


def test_finish_counts_from_the_first_start(engine: Engine) -> None:
    run = engine.start(sleeper, timeouts=jobs.Timeouts(finish=timedelta(hours=25)))
    run = engine.after(run, hours=23)
    assert run.status == Status.SLEEPING
    assert engine.after(run, hours=24).status == Status.COMPLETED


def test_finish_is_not_prolonged_by_attempts_and_sleeps(engine: Engine) -> None:
    flaky = Flaky(9)
    run = engine.execute(lambda ctx: flaky(), backoff=[1200], retries=9, timeouts=jobs.Timeouts(finish=HOUR))
    for _ in range(5):
        run = engine.after(run, minutes=25)
    assert run.status == Status.CANCELLED
    assert flaky.calls <= 4


def test_a_delayed_run_has_its_time_from_when_it_is_due(engine: Engine) -> None:
    engine.define(lambda ctx: "done", timeouts=jobs.Timeouts(start=HOUR))
    from jobs import clock

    engine.send(ts=int((clock.now() + timedelta(hours=5)).timestamp() * 1000))
    run = engine.after(Run.objects.get(), hours=3)
    assert run.status == Status.QUEUED
    assert engine.after(run, hours=2, minutes=1).status == Status.COMPLETED


def test_a_retry_gives_the_run_its_time_anew(engine: Engine) -> None:
    flaky = Flaky(1)

    def body(ctx: jobs.ContextSync) -> str:
        ctx.step.run("flaky", flaky)
        ctx.step.sleep("nap", timedelta(minutes=50))
        return "rested"

    run = engine.execute(body, retries=0, timeouts=jobs.Timeouts(start=HOUR, finish=HOUR))
    engine.pass_time(hours=5)
    assert actions.retry(run, by="ada")
    run = engine.drained(run)
    assert run.status == Status.SLEEPING
    assert engine.after(run, minutes=51).output == "rested"


def test_a_retried_run_is_cancelled_when_its_new_time_is_up(engine: Engine) -> None:
    flaky = Flaky(1)

    def body(ctx: jobs.ContextSync) -> str:
        ctx.step.run("flaky", flaky)
        return sleeper(ctx)

    run = engine.execute(body, retries=0, timeouts=jobs.Timeouts(finish=HOUR))
    assert actions.retry(run, by="ada")
    run = engine.drained(run)
    assert engine.after(run, hours=2).status == Status.CANCELLED


def test_on_failure_is_not_for_runs_that_were_cancelled(engine: Engine) -> None:
    handled = Counter()
    run = engine.execute(sleeper, timeouts=jobs.Timeouts(finish=HOUR), on_failure=lambda ctx: handled())
    engine.after(run, hours=2)
    assert handled.calls == 0


def test_a_waiting_run_is_cancelled_on_time_and_waits_for_nothing_more(engine: Engine) -> None:
    from jobs.models import Wait

    run = engine.execute(
        lambda ctx: ctx.step.wait_for_event("wait", event="test/answer", timeout=timedelta(days=3)),
        timeouts=jobs.Timeouts(finish=HOUR),
    )
    assert engine.after(run, hours=2).status == Status.CANCELLED
    assert not Wait.objects.exists()


def test_many_overdue_runs_end_in_one_go(engine: Engine) -> None:
    engine.define(sleeper, timeouts=jobs.Timeouts(finish=HOUR))
    jobs.send_sync([jobs.Event(name="test/event") for _ in range(130)])
    testing.drain()
    engine.pass_time(hours=2)
    testing.drain()
    assert Run.objects.filter(status=Status.CANCELLED).count() == 130
    assert deliveries.end_overdue() == 0


def test_a_run_that_is_at_work_is_cancelled_on_time(committing_engine: Engine) -> None:
    import threading

    began, go_on = threading.Event(), threading.Event()

    def handler() -> str:
        began.set()
        go_on.wait(10)
        return "too late"

    committing_engine.define(
        lambda ctx: ctx.step.run("slow", handler), timeouts=jobs.Timeouts(finish=timedelta(seconds=0.3))
    )
    committing_engine.send()
    with at_work():
        assert began.wait(10)
        for _ in range(500):
            if Run.objects.get().status == Status.CANCELLED:
                break
            threading.Event().wait(0.02)
        status: Any = Run.objects.get().status
        go_on.set()
    worked()
    assert status == Status.CANCELLED
    run = Run.objects.get()
    assert (run.status, run.output, run.journal.count()) == (Status.CANCELLED, None, 0)


def test_a_worker_with_nothing_to_do_wakes_for_a_deadline(committing_engine: Engine) -> None:
    import time

    committing_engine.define(sleeper, timeouts=jobs.Timeouts(finish=timedelta(seconds=0.6)))
    committing_engine.send()
    with at_work():
        for _ in range(500):
            if Run.objects.get().status == Status.CANCELLED:
                break
            time.sleep(0.02)
    run = Run.objects.get()
    assert run.status == Status.CANCELLED
    assert run.duration is not None
    assert 0.6 <= run.duration < 5
