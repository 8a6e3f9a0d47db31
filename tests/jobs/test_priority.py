"""Priority: a run counts as queued so many seconds earlier or later, for as long as it lives."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

import jobs
from jobs import actions, clock, testing
from jobs.ids import new_id
from jobs.models import Run, claiming
from jobs.types import Status
from tests.jobs.conftest import Engine

BY_DATA = jobs.Priority(run="event.data.p")


def recorded(engine: Engine, body: Any = None) -> list[int]:
    """Define a function whose runs note their priority as they execute, and return the notes."""
    seen: list[int] = []

    def noting(ctx: jobs.ContextSync) -> None:
        if body:
            body(ctx)
        seen.append(ctx.event.data["p"])

    engine.define(noting, priority=BY_DATA)
    return seen


def test_a_higher_priority_goes_first_and_equals_go_in_order(engine: Engine) -> None:
    seen = recorded(engine)
    engine.define(lambda ctx: seen.append(ctx.event.data["p"]), fn_id="plain", on="plain/event")
    for priority in (-60, 5, 60, 60, 600, -600):
        engine.send(data={"p": priority})
    engine.send("plain/event", {"p": 0})
    testing.drain()
    assert seen == [600, 60, 60, 5, 0, -60, -600]


def test_priority_counts_seconds_in_the_queue(engine: Engine) -> None:
    seen = recorded(engine)
    engine.send(data={"p": 0})
    engine.pass_time(seconds=30)
    engine.send(data={"p": 20})
    engine.send(data={"p": 40})
    testing.drain()
    assert seen == [40, 0, 20]


def test_one_slot_takes_the_run_whose_turn_it_is(engine: Engine) -> None:
    recorded(engine)
    for priority in (0, 60, -60):
        engine.send(data={"p": priority})
    with connection.cursor() as cursor:
        taken = [claiming.claim(cursor, new_id(), 1)[0].events[0].data["p"] for _ in range(3)]
        assert claiming.claim(cursor, new_id(), 1) == []
    assert taken == [60, 0, -60]


@pytest.mark.parametrize(("value", "stored"), [(10**6, 600), (-601, -600), (1.9, 1), (None, 0), (True, 1)])
def test_priority_is_clamped_to_ten_minutes(engine: Engine, value: Any, stored: int) -> None:
    run = engine.start(lambda ctx: None, {"p": value}, priority=BY_DATA)
    assert run.priority == stored


def test_without_an_attribute_there_is_no_priority(engine: Engine) -> None:
    run = engine.start(lambda ctx: None, priority=BY_DATA)
    assert (run.priority, run.rank) == (0, None)


def test_a_high_priority_does_not_start_a_delayed_run_early(engine: Engine) -> None:
    seen = recorded(engine)
    engine.send(data={"p": 600}, ts=int((clock.now() + timedelta(minutes=5)).timestamp() * 1000))
    testing.drain()
    assert seen == []
    engine.pass_time(minutes=4)
    engine.send(data={"p": 0})
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [600, 0]


def test_a_low_priority_does_not_keep_a_lone_run_waiting(engine: Engine) -> None:
    seen = recorded(engine)
    engine.send(data={"p": -600})
    testing.drain()
    assert seen == [-600]


def test_a_run_that_slept_keeps_its_priority(engine: Engine) -> None:
    seen = recorded(engine, lambda ctx: ctx.step.sleep("pause", timedelta(minutes=1)))
    for priority in (0, -60, 60):
        engine.send(data={"p": priority})
    testing.drain()
    engine.pass_time(minutes=3)
    testing.drain()
    assert seen == [60, 0, -60]


def queued_again(engine: Engine, how: str) -> Run:
    def body(ctx: jobs.ContextSync) -> None:
        raise jobs.RetryAfterError("busy", 60_000)

    run = engine.start(body, {"p": 120}, priority=BY_DATA, retries=0 if how == "retry" else 4)
    worker = new_id()
    with connection.cursor() as cursor:
        if how in ("hand_back", "free"):
            claiming.claim(cursor, worker, 1)
        if how == "hand_back":
            claiming.hand_back(cursor, worker)
        elif how == "free":
            claiming.free_runs_of(cursor, [worker])
    if how in ("retry", "backoff"):
        run = engine.drained(run)
        actions.retry(run, by="ada")
    return Run.objects.get()


@pytest.mark.parametrize("how", ["backoff", "retry", "hand_back", "free"])
def test_a_run_that_queues_again_keeps_its_priority(engine: Engine, how: str) -> None:
    run = queued_again(engine, how)
    assert (run.status, run.lease > 0) == (Status.SLEEPING if how == "backoff" else Status.QUEUED, True)
    assert run.run_at - run.rank == timedelta(seconds=120)


def test_an_ended_run_has_no_place_in_the_queue(engine: Engine) -> None:
    run = engine.execute(lambda ctx: None, {"p": 60}, priority=BY_DATA)
    assert (run.status, run.run_at, run.rank, run.priority) == (Status.COMPLETED, None, None, 60)
