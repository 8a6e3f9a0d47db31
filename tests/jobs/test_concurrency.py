"""Concurrency: so many runs of a key execute at once, counted from what is running and never kept."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

import jobs
from jobs import actions, testing
from jobs.ids import new_id
from jobs.journal import Failed, Released
from jobs.models import Run, claiming
from jobs.types import Status
from tests.jobs.conftest import Engine
from tests.jobs.flowing import (
    DONE,
    LATER,
    blocked,
    everything_in_turn,
    leave,
    milliseconds,
    numbers,
    send,
    take,
    take_plain,
)


def limited(engine: Engine, limit: int = 2, *more: jobs.Concurrency, **options: Any) -> None:
    """Define a function with a limit."""
    named = {name: options.pop(name) for name in ("key", "scope") if name in options}
    concurrency = [jobs.Concurrency(limit=limit, **named), *more]
    engine.define(lambda ctx: None, concurrency=concurrency, **options)


def test_so_many_start_as_the_limit_says_and_the_rest_in_their_order(engine: Engine) -> None:
    limited(engine)
    send(range(5))
    first = take()
    assert numbers(first) == [0, 1]
    assert take() == []
    leave(first[1])
    second = take()
    assert numbers(second) == [2]
    leave([first[0], *second])
    assert numbers(take()) == [3, 4]


def test_a_run_without_limits_does_not_go_through_the_gate(engine: Engine) -> None:
    engine.define(lambda ctx: None)
    send([1])
    assert take() == []
    assert numbers(take_plain()) == [1]


def test_every_key_has_its_own_slots(engine: Engine) -> None:
    limited(engine, 1, key="event.data.user")
    for number, user in enumerate("aabbc"):
        send([number], user=user)
    assert numbers(take()) == [0, 2, 4]


def test_a_missing_key_is_a_key_as_well(engine: Engine) -> None:
    limited(engine, 1, key="event.data.user")
    send([1, 2])
    send([3], user=None)
    send([4], user="a")
    assert numbers(take()) == [1, 4]


def test_a_run_whose_key_cannot_be_evaluated_fails_and_takes_no_slot(engine: Engine) -> None:
    limited(engine, 1, key="event.data.n + 'x'")
    send([1])
    testing.drain()
    run = Run.objects.get()
    assert (run.status, run.error["code"], run.gated) == (Status.FAILED, "invalid_expression", False)


def test_a_sleeping_run_holds_no_slot_and_asks_for_one_when_it_wakes(engine: Engine) -> None:
    seen: list[int] = []

    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.sleep("pause", timedelta(minutes=1))
        seen.append(ctx.event.data["n"])

    engine.define(body, concurrency=[jobs.Concurrency(limit=1)])
    send([1])
    testing.drain()
    send([2])
    testing.drain()
    assert Run.objects.filter(status=Status.SLEEPING).count() == 2
    engine.pass_time(minutes=2)
    first = take()
    assert numbers(first) == [1]
    assert take() == []
    leave(first)
    assert numbers(take()) == [2]


def test_a_waiting_run_holds_no_slot(engine: Engine) -> None:
    engine.define(
        lambda ctx: ctx.step.wait_for_event("answer", event="answer", timeout=timedelta(hours=1)),
        concurrency=[jobs.Concurrency(limit=1)],
    )
    send([1])
    testing.drain()
    send([2])
    testing.drain()
    assert Run.objects.filter(status=Status.WAITING).count() == 2
    engine.send("answer")
    testing.drain()
    assert Run.objects.filter(status=Status.COMPLETED).count() == 2


def test_a_run_that_pauses_before_its_next_attempt_holds_no_slot(engine: Engine) -> None:
    limited(engine, 1)
    send([1, 2])
    leave(take(), LATER)
    assert numbers(take()) == [2]
    engine.pass_time(hours=2)
    assert take() == []


@pytest.mark.parametrize("how", ["completed", "failed", "released", "cancelled", "freed", "handed back"])
def test_whatever_ends_an_execution_frees_its_slot(engine: Engine, how: str) -> None:
    limited(engine, 1)
    send([1, 2])
    worker = new_id()
    [held] = take(worker=worker)
    assert (take(), blocked()) == ([], 1)
    outcomes = {"completed": DONE, "failed": Failed({"code": "error"}), "released": Released()}
    if how in outcomes:
        leave(held, outcomes[how])
    elif how == "cancelled":
        actions.cancel(Run.objects.get(pk=held.run_id), by="ada")
    else:
        with connection.cursor() as cursor:
            if how == "handed back":
                assert claiming.hand_back(cursor, worker) == 1
            else:
                assert claiming.free_runs_of(cursor, [worker]) == 1
    goes_on = how in ("released", "freed", "handed back")
    assert sorted(everything_in_turn()) == ([1, 2] if goes_on else [2])


def test_the_slot_of_a_run_that_pauses_after_many_crashes_goes_to_the_next(engine: Engine) -> None:
    limited(engine, 1)
    send([1, 2])
    worker = new_id()
    take(worker=worker)
    assert take() == []
    Run.objects.filter(status=Status.RUNNING).update(crashes=5)
    with connection.cursor() as cursor:
        claiming.free_runs_of(cursor, [worker])
    assert numbers(take()) == [2]


def test_a_run_that_failed_asks_again_when_it_is_retried(engine: Engine) -> None:
    limited(engine, 1)
    send([1, 2])
    leave(take(), Failed({"code": "error"}))
    second = take()
    assert actions.retry(Run.objects.get(status=Status.FAILED), by="ada")
    assert take() == []
    leave(second)
    assert numbers(take()) == [1]


def test_the_runs_of_a_limit_are_taken_up_to_what_a_worker_has_room_for(engine: Engine) -> None:
    limited(engine, 100)
    send(range(20))
    first = take(3)
    assert numbers(first) == [0, 1, 2]
    leave(first)
    assert everything_in_turn(4) == list(range(3, 20))


def test_thousands_behind_one_key_do_not_hold_up_another_key(engine: Engine) -> None:
    limited(engine, 1, key="event.data.user")
    send(range(3000), user="x")
    send([5000], user="y")
    seen: list[int] = []
    for _ in range(20):
        seen += numbers(take(8))
    assert seen == [0, 5000]
    assert blocked() == 2999


def test_a_run_whose_time_is_to_come_holds_no_slot_and_asks_then(engine: Engine) -> None:
    limited(engine, 1)
    engine.send(data={"n": 1}, ts=milliseconds(minutes=10))
    send([2])
    held = take()
    assert numbers(held) == [2]
    engine.pass_time(minutes=11)
    assert (take(), blocked()) == ([], 1)
    leave(held)
    assert numbers(take()) == [1]
