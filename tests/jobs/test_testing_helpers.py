"""jobs.testing: what a product's own tests use to execute runs right where they are."""

from datetime import timedelta

import pytest

import jobs
from jobs import testing
from jobs.models import Run
from jobs.types import Status
from tests.jobs.conftest import Engine


def test_drain_executes_all_that_is_due_and_counts_attempts(engine: Engine) -> None:
    engine.define(lambda ctx: ctx.step.sleep("pause", timedelta(hours=1)))
    jobs.send_sync([jobs.Event(name="test/event") for _ in range(150)])
    assert testing.drain() == 150
    assert testing.drain() == 0
    with testing.shift_clock(timedelta(hours=1)):
        assert testing.drain() == 150
    assert Run.objects.filter(status=Status.COMPLETED).count() == 150


def test_drain_goes_on_with_what_runs_start_meanwhile(engine: Engine) -> None:
    def count_down(ctx: jobs.ContextSync) -> None:
        if n := ctx.event.data["n"]:
            ctx.step.send_event("next", jobs.Event(name="test/event", data={"n": n - 1}))

    engine.define(count_down)
    engine.send(data={"n": 5})
    assert testing.drain() == 6


def test_drain_does_not_run_for_ever(engine: Engine) -> None:
    engine.define(lambda ctx: ctx.step.send_event("again", jobs.Event(name="test/event")))
    engine.send()
    with pytest.raises(AssertionError, match="Still something due after 21 attempts"):
        testing.drain(most=20)


def test_drain_works_where_everything_commits(committing_engine: Engine) -> None:
    run = committing_engine.execute(lambda ctx: ctx.step.transaction("work", lambda: "done"))
    assert (run.status, run.output) == (Status.COMPLETED, "done")


def test_the_clock_shift_of_a_block_ends_with_it(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.sleep("pause", timedelta(hours=1)))
    with testing.shift_clock(timedelta(minutes=59)):
        assert testing.drain() == 0
    with testing.shift_clock(timedelta(minutes=61)):
        assert engine.drained(run).status == Status.COMPLETED


def test_a_wait_does_not_see_an_event_of_the_same_transaction_that_came_before_it(engine: Engine) -> None:
    engine.send("order/paid")
    minute = timedelta(minutes=1)
    engine.start(lambda ctx: ctx.step.wait_for_event("paid", event="order/paid", timeout=minute) is None)
    testing.drain()
    assert Run.objects.get().status == Status.WAITING
    with testing.shift_clock(minute):
        testing.drain()
    assert Run.objects.get().output is True
