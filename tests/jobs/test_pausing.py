"""Pausing a function: its events go on opening runs, nothing starts, and nothing is lost or changes its order."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

import jobs
from jobs import actions, overlooked, testing
from jobs.models import FunctionState, Run, gating
from jobs.types import Status
from tests.jobs.conftest import Engine
from tests.jobs.flowing import blocked, leave, numbers, send, take, take_plain

KINDS: list[dict[str, Any]] = [
    {},
    {"priority": jobs.Priority(run="event.data.p")},
    {"concurrency": [jobs.Concurrency(limit=100)]},
    {"concurrency": [jobs.Concurrency(limit=1)]},
    {"throttle": jobs.Throttle(limit=100, period=1000)},
]
IDS = ["plain", "with priority", "concurrency", "one slot", "throttle"]

ID = "stepwell-work"


def noting(engine: Engine, **options: Any) -> list[int]:
    seen: list[int] = []
    engine.define(lambda ctx: seen.append(ctx.event.data["n"]), **options)
    return seen


@pytest.mark.parametrize("options", KINDS, ids=IDS)
def test_what_is_sent_meanwhile_queues_and_starts_in_its_order_once_the_function_goes_on(
    engine: Engine, options: dict[str, Any]
) -> None:
    seen = noting(engine, **options)
    send([0])
    assert actions.pause(ID, by="ada")
    send(range(1, 4))
    assert testing.drain() == 0
    send(range(4, 6))
    assert testing.drain() == 0
    assert (blocked(), {run.status for run in Run.objects.all()}) == (6, {Status.QUEUED})
    assert actions.resume(ID, by="ada")
    send([6])
    testing.drain()
    assert seen == list(range(7))
    assert blocked() == 0


def test_a_higher_priority_goes_first_after_the_pause_as_well(engine: Engine) -> None:
    seen = noting(engine, priority=jobs.Priority(run="event.data.p"))
    actions.pause(ID, by="ada")
    send([1], p=0)
    send([2], p=60)
    testing.drain()
    send([3], p=120)
    actions.resume(ID, by="ada")
    testing.drain()
    assert seen == [3, 2, 1]


def test_other_functions_go_on(engine: Engine) -> None:
    seen = noting(engine)
    engine.define(lambda ctx: seen.append(-ctx.event.data["n"]), fn_id="other")
    actions.pause(ID, by="ada")
    send(range(1, 4))
    testing.drain()
    assert seen == [-1, -2, -3]


def test_a_sleeping_run_does_not_go_on_while_its_function_is_paused(engine: Engine) -> None:
    seen: list[int] = []

    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.sleep("pause", timedelta(minutes=1))
        seen.append(1)

    run = engine.execute(body)
    actions.pause(ID, by="ada")
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == []
    actions.resume(ID, by="ada")
    assert engine.drained(run).status == Status.COMPLETED
    assert seen == [1]


def test_a_run_that_waits_for_a_slot_does_not_start_while_its_function_is_paused(engine: Engine) -> None:
    noting(engine, concurrency=[jobs.Concurrency(limit=1)])
    send([1, 2, 3])
    first = take()
    assert take() == []
    actions.pause(ID, by="ada")
    leave(first)
    assert take() == []
    actions.resume(ID, by="ada")
    second = take()
    assert numbers(second) == [2]
    leave(second)
    assert numbers(take()) == [3]


def test_pausing_and_resuming_twice_changes_nothing_more(engine: Engine) -> None:
    noting(engine)
    assert actions.pause(ID, by="ada")
    assert not actions.pause(ID, by="bob")
    assert FunctionState.objects.get().paused_by == "ada"
    assert actions.resume(ID, by="ada")
    assert not actions.resume(ID, by="bob")


def test_a_paused_run_can_be_cancelled(engine: Engine) -> None:
    seen = noting(engine)
    actions.pause(ID, by="ada")
    send([1, 2])
    testing.drain()
    assert actions.cancel(Run.objects.order_by("id").first(), by="ada")
    actions.resume(ID, by="ada")
    testing.drain()
    assert seen == [2]


def test_more_than_a_portion_of_runs_comes_back(engine: Engine) -> None:
    noting(engine)
    actions.pause(ID, by="ada")
    send(range(5000))
    send(range(5000, 5200))
    while take_plain(256) or Run.objects.filter(blocked_by=None).exists():
        pass
    assert blocked() == 5200
    actions.resume(ID, by="ada")
    assert blocked() == 0


@pytest.mark.parametrize("options", KINDS, ids=IDS)
def test_what_was_put_aside_although_nothing_is_paused_is_found(engine: Engine, options: dict[str, Any]) -> None:
    seen = noting(engine, **options)
    actions.pause(ID, by="ada")
    send(range(3))
    testing.drain()
    # Not in this way, but a person may write to the table.
    FunctionState.objects.update(paused=False)
    assert testing.drain() == 0
    with transaction.atomic(), connection.cursor() as cursor:
        assert gating.lock(cursor)
        assert overlooked.look(cursor) > 0
    testing.drain()
    assert seen == [0, 1, 2]


def test_a_batch_goes_on_collecting_while_its_function_is_paused(engine: Engine) -> None:
    seen: list[int] = []
    engine.define(lambda ctx: seen.append(len(ctx.events)), batch_events=jobs.Batch(max_size=3))
    actions.pause(ID, by="ada")
    send([1])
    testing.drain()
    send([2, 3, 4])
    testing.drain()
    actions.resume(ID, by="ada")
    testing.drain()
    assert seen == [3]
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [3, 1]
