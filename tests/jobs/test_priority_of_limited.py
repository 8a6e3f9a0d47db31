"""Priority where runs have limits: with one slot, the order is exactly that of their places."""

import random
from datetime import timedelta

import jobs
from jobs import clock
from tests.jobs.conftest import Engine
from tests.jobs.flowing import everything_in_turn, leave, milliseconds, numbers, send, take

BY_DATA = jobs.Priority(run="event.data.p")


def one_slot(engine: Engine, limit: int = 1) -> None:
    engine.define(lambda ctx: None, priority=BY_DATA, concurrency=[jobs.Concurrency(limit=limit)])


def test_one_slot_takes_them_exactly_in_their_order(engine: Engine) -> None:
    one_slot(engine)
    chance = random.Random(7)
    priorities = [chance.choice([-600, -60, -5, 0, 0, 0, 5, 60, 600]) for _ in range(60)]
    for number, priority in enumerate(priorities):
        send([number], p=priority)
    # They came within a second, so that their order is that of priority, and of time among equals.
    assert everything_in_turn() == sorted(range(60), key=lambda number: (-priorities[number], number))


def test_whoever_comes_later_with_a_higher_priority_overtakes_those_that_wait(engine: Engine) -> None:
    one_slot(engine)
    send(range(5), p=0)
    held = take()
    assert take() == []
    send([10], p=30)
    send([11], p=60)
    send([12], p=-60)
    assert take() == []
    leave(held)
    assert everything_in_turn() == [11, 10, 1, 2, 3, 4, 12]


def test_who_has_waited_longer_than_the_priority_says_goes_first(engine: Engine) -> None:
    one_slot(engine)
    send([0, 1], p=0)
    held = take()
    take()
    engine.pass_time(seconds=40)
    send([2], p=30)
    send([3], p=50)
    leave(held)
    assert everything_in_turn() == [3, 1, 2]


def test_a_high_priority_does_not_start_a_delayed_run_early(engine: Engine) -> None:
    one_slot(engine, 5)
    engine.send(data={"n": 1, "p": 600}, ts=milliseconds(minutes=5))
    assert take() == []
    engine.pass_time(minutes=4)
    send([2], p=0)
    engine.pass_time(minutes=2)
    assert numbers(take()) == [1, 2]


def test_a_low_priority_does_not_keep_a_lone_run_waiting(engine: Engine) -> None:
    one_slot(engine)
    send([1], p=-600)
    assert numbers(take()) == [1]


def test_functions_that_share_a_slot_share_its_order(engine: Engine) -> None:
    shared = [jobs.Concurrency(limit=1, key="'gpu'", scope="env")]
    for name in ("one", "two"):
        engine.define(lambda ctx: None, fn_id=name, on=name, priority=BY_DATA, concurrency=shared)
    for number, (name, priority) in enumerate([("one", 0), ("two", 60), ("one", 120), ("two", -5), ("one", 60)]):
        send([number], name, p=priority)
    assert everything_in_turn() == [2, 1, 4, 0, 3]


def test_throttled_runs_start_in_the_order_of_their_priority(engine: Engine) -> None:
    engine.define(lambda ctx: None, priority=BY_DATA, throttle=jobs.Throttle(limit=1, period=timedelta(minutes=1)))
    for number, priority in enumerate([0, 0, 60, -60, 300]):
        send([number], p=priority)
    seen: list[int] = []
    begun = clock.now()
    while len(seen) < 5 and clock.now() - begun < timedelta(minutes=6):
        seen += numbers(take())
        engine.pass_time(seconds=10)
    assert seen == [4, 2, 0, 1, 3]
