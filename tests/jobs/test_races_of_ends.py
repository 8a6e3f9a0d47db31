"""Cancels, children and retries against the worker that holds the run: each order has one outcome."""

import random
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import Error, transaction

import jobs
from jobs import actions, clock, deliveries, endings
from jobs.ids import new_id
from jobs.journal import Claimed, Completed, Entry, Failed, Wait, Write, key_of
from jobs.models import Delivery, Run, Step, writing
from jobs.types import Op, Status, StepStatus
from tests.jobs.cluster import Bench
from tests.jobs.conftest import Engine
from tests.jobs.racing import Pair, a_step, an_end, aside, claim, wait_for_a_wait, written
from tests.jobs.working import at_work, wait_until_quiet

STOP = jobs.Cancel(event="test/stop", match_all=True)


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, seen from outside."""
    return Bench(database_url, tmp_path)


def held_run(engine: Engine, worker: psycopg.Connection[Any], **options: Any) -> Claimed:
    """Open a run and have it claimed."""
    engine.define(lambda ctx: None, **options)
    engine.send()
    (held,) = claim(worker)
    worker.commit()
    return held


def test_a_cancelling_event_passes_by_a_run_that_is_being_ended_and_then_comes_too_late(
    committing_engine: Engine, two_connections: Pair
) -> None:
    first, _ = two_connections
    held = held_run(committing_engine, first, cancel=[STOP])
    committing_engine.send("test/stop")
    assert written(first, an_end(held))
    assert deliveries.hand_over() == 0
    first.commit()
    assert deliveries.hand_over() == 1
    assert Run.objects.get().status == Status.COMPLETED


def test_the_end_of_a_run_that_waits_for_a_cancelling_event_is_dropped(
    committing_engine: Engine, bench: Bench, two_connections: Pair
) -> None:
    first, _ = two_connections
    held = held_run(committing_engine, first, cancel=[STOP])
    committing_engine.send("test/stop")
    with transaction.atomic():
        assert deliveries.hand_over() == 1
        ending = aside(written, first, an_end(held))
        wait_for_a_wait(bench)
    assert ending.result(5) is False
    first.commit()
    run = Run.objects.get()
    assert (run.status, run.output) == (Status.CANCELLED, None)


def test_a_step_that_is_written_while_the_run_is_cancelled_is_dropped(
    committing_engine: Engine, bench: Bench, two_connections: Pair
) -> None:
    first, _ = two_connections
    held = held_run(committing_engine, first)
    with transaction.atomic():
        assert endings.cancel(held.run_id, endings.cancelled("stop")) is not None
        step = aside(written, first, a_step(held))
        wait_for_a_wait(bench)
    assert step.result(5) is False
    assert not Step.objects.exists()


def test_a_cancel_waits_for_the_claim_and_then_takes_the_run_from_it(
    committing_engine: Engine, bench: Bench, two_connections: Pair
) -> None:
    first, _ = two_connections
    committing_engine.define(lambda ctx: None)
    committing_engine.send()
    (held,) = claim(first)
    cancelling = aside(actions.cancel, Run.objects.get(), by="ada")
    wait_for_a_wait(bench)
    first.commit()
    assert cancelling.result(5) is True
    assert not written(first, an_end(held))
    first.commit()
    assert Run.objects.get().status == Status.CANCELLED


def test_a_claim_passes_by_a_run_that_is_being_cancelled(committing_engine: Engine, two_connections: Pair) -> None:
    first, _ = two_connections
    committing_engine.define(lambda ctx: None)
    committing_engine.send()
    with transaction.atomic():
        assert actions.cancel(Run.objects.get(), by="ada")
        assert claim(first) == []
        first.rollback()
    assert claim(first) == []


def test_a_deadline_that_passes_while_the_run_ends_comes_too_late(
    committing_engine: Engine, bench: Bench, two_connections: Pair
) -> None:
    first, _ = two_connections
    held = held_run(committing_engine, first, timeouts=jobs.Timeouts(finish=1000))
    committing_engine.pass_time(seconds=5)
    assert written(first, an_end(held))
    ending = aside(deliveries.end_overdue)
    wait_for_a_wait(bench)
    first.commit()
    ending.result(5)
    assert Run.objects.get().status == Status.COMPLETED


def a_child(engine: Engine, first: psycopg.Connection[Any]) -> tuple[Claimed, Claimed]:
    """A parent that is still at work after it has opened its child, and the claimed child."""
    parent = held_run(engine, first)
    key = key_of("call")
    entry = Entry(key, "call", 0, Op.INVOKE, StepStatus.WAITING, clock.now(), child=new_id())
    assert written(first, Write(parent.run_id, parent.lease, [entry]))
    first.commit()
    engine.send()
    Run.objects.exclude(pk=parent.run_id).update(parent_run=parent.run_id, parent_step=key)
    (child,) = claim(first)
    first.commit()
    return parent, child


def left_waiting(parent: Claimed) -> Write:
    entry = Entry(key_of("call"), "call", 0, Op.INVOKE, StepStatus.WAITING, clock.now())
    return an_end(parent, Wait(entry))  # type: ignore[arg-type]


def test_a_child_that_ends_before_its_parent_has_suspended_is_heard_of(
    committing_engine: Engine, two_connections: Pair
) -> None:
    first, _ = two_connections
    parent, child = a_child(committing_engine, first)
    assert endings.end(child, an_end(child, Completed("7")))
    assert deliveries.hand_over() == 1
    assert written(first, left_waiting(parent))
    first.commit()
    (again,) = claim(first)
    assert (again.run_id, again.journal[key_of("call")].output) == (parent.run_id, "7")


def test_a_child_that_ends_while_its_parent_suspends_is_handed_over_afterwards(
    committing_engine: Engine, two_connections: Pair
) -> None:
    first, _ = two_connections
    parent, child = a_child(committing_engine, first)
    assert written(first, left_waiting(parent))
    assert endings.end(child, an_end(child, Failed({"code": "error", "name": "E", "message": "m", "stack": ""})))
    assert deliveries.hand_over() == 0
    first.commit()
    while deliveries.hand_over():
        pass
    assert Run.objects.get(pk=parent.run_id).status == Status.QUEUED
    assert Step.objects.get(name="call").status == StepStatus.FAILED


def test_an_end_that_is_told_twice_reaches_the_parent_once(committing_engine: Engine, two_connections: Pair) -> None:
    first, _ = two_connections
    _, child = a_child(committing_engine, first)
    end = an_end(child, Completed("7"))
    assert [endings.end(child, end), endings.end(child, end)] == [True, False]
    assert Delivery.objects.count() == 1


def test_many_children_of_one_parent_end_at_once(committing_engine: Engine) -> None:
    child = committing_engine.define(lambda ctx: ctx.event.data["n"], fn_id="child", on="test/child")

    def body(ctx: jobs.ContextSync) -> Any:
        invoke = lambda n: lambda: ctx.step.invoke(f"call-{n}", function=child, data={"n": n})  # noqa: E731
        return sum(ctx.group.parallel(tuple(map(invoke, range(40)))))

    committing_engine.define(body)
    committing_engine.send()
    with at_work():
        wait_until_quiet()
    assert Run.objects.get(function="stepwell-work").output == sum(range(40))
    assert Run.objects.filter(function="stepwell-child").count() == 40


def test_batches_of_writes_and_handing_over_never_lock_each_other_out(
    committing_engine: Engine, two_connections: Pair, database_url: str
) -> None:
    committing_engine.define(lambda ctx: None, cancel=[STOP])
    jobs.send_sync([jobs.Event(name="test/event") for _ in range(60)])
    first, _ = two_connections
    held = claim(first, 64)
    first.commit()
    stop, chance, errors = threading.Event(), random.Random(7), []

    def write_batches(number: int) -> None:
        order = random.Random(number)
        own_runs = held[number::3]  # one worker holds each
        with psycopg.connect(database_url) as own:
            while not stop.is_set():
                mine = order.sample(own_runs, 15)
                try:
                    writing.write(own.cursor(), [a_step(one) for one in mine])
                    own.commit()
                except psycopg.Error as error:
                    errors.append(repr(error))
                    own.rollback()

    def hand_over() -> None:
        while not stop.is_set():
            try:
                deliveries.hand_over()
            except Error as error:
                errors.append(repr(error))

    running = [aside(write_batches, number) for number in range(3)] + [aside(hand_over) for _ in range(2)]
    try:
        for _ in range(30):
            run = Run.objects.get(pk=chance.choice(held).run_id)
            Delivery.objects.create(run=run.pk, step=key_of("first"), output=None)
            actions.cancel(Run.objects.get(pk=chance.choice(held).run_id), by="ada")
        committing_engine.send("test/stop")
    finally:
        stop.set()
        for one in running:
            one.result(20)
    while deliveries.hand_over():
        pass
    assert errors == []
    assert set(Run.objects.values_list("status", flat=True)) == {Status.CANCELLED}
