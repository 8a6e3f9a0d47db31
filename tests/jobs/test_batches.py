"""Batches: events collected into one run, until it is full or its time has come."""

import time
from datetime import timedelta
from typing import Any

import jobs
from jobs import actions, testing
from jobs.models import Run, RunEvent
from tests.jobs.conftest import Engine
from tests.jobs.flowing import milliseconds, send


def batching(engine: Engine, max_size: int = 3, **options: Any) -> list[list[int]]:
    """Define a function whose runs note the numbers of their events."""
    seen: list[list[int]] = []
    batch = jobs.Batch(max_size=max_size, **options)
    engine.define(lambda ctx: seen.append([event.data["n"] for event in ctx.events]), batch_events=batch)
    return seen


def test_a_full_batch_starts_at_once(engine: Engine) -> None:
    seen = batching(engine)
    send([1])
    send([2])
    testing.drain()
    assert seen == []
    send([3])
    testing.drain()
    assert seen == [[1, 2, 3]]


def test_a_batch_that_is_not_full_starts_a_minute_after_its_first_event(engine: Engine) -> None:
    seen = batching(engine)
    send([1])
    engine.pass_time(seconds=40)
    send([2])
    engine.pass_time(seconds=19)
    testing.drain()
    assert seen == []
    engine.pass_time(seconds=1.1)
    testing.drain()
    assert seen == [[1, 2]]


def test_the_timeout_of_the_definition_takes_the_place_of_the_minute(engine: Engine) -> None:
    seen = batching(engine, timeout=timedelta(seconds=5))
    send([1])
    engine.pass_time(seconds=5.1)
    testing.drain()
    assert seen == [[1]]


def test_an_event_after_the_start_opens_the_next_batch(engine: Engine) -> None:
    seen = batching(engine)
    send([1])
    engine.pass_time(seconds=61)
    testing.drain()
    send([2])
    testing.drain()
    assert seen == [[1]]
    engine.pass_time(seconds=61)
    testing.drain()
    assert seen == [[1], [2]]


def test_every_key_has_a_batch_of_its_own(engine: Engine) -> None:
    seen = batching(engine, max_size=2, key="event.data.user")
    send([1], user="a")
    send([2], user="b")
    send([3], user="a")
    testing.drain()
    assert seen == [[1, 3]]


def test_an_event_that_does_not_meet_the_condition_starts_alone(engine: Engine) -> None:
    seen = batching(engine, if_exp="event.data.n < 10")
    send([1])
    send([11])
    testing.drain()
    assert seen == [[11]]
    send([2, 3])
    testing.drain()
    assert seen == [[11], [1, 2, 3]]


def test_a_send_that_fills_an_open_batch_opens_the_next_one(engine: Engine) -> None:
    seen = batching(engine)
    send([1])
    send([2, 3, 4, 5, 6, 7, 8])
    testing.drain()
    assert seen == [[1, 2, 3], [4, 5, 6]]
    engine.pass_time(seconds=61)
    testing.drain()
    assert seen[2] == [7, 8]


def test_an_event_keeps_the_place_in_which_it_came(engine: Engine) -> None:
    batching(engine, max_size=5)
    for numbers in ([1], [2, 3], [4], [5]):
        send(numbers)
    positions = RunEvent.objects.order_by("position").values_list("position", flat=True)
    assert list(positions) == [0, 1, 2, 3, 4]
    run = Run.objects.get()
    assert (run.collected, run.collecting) == (5, None)


def test_running_again_takes_all_events(engine: Engine) -> None:
    seen = batching(engine)
    send([1, 2, 3])
    testing.drain()
    actions.rerun(Run.objects.get(), by="ada")
    testing.drain()
    assert seen == [[1, 2, 3], [1, 2, 3]]


def test_five_thousand_events_of_one_send_go_into_batches_fast(engine: Engine) -> None:
    seen = batching(engine, max_size=100, key="event.data.part")
    send([-1], part=0)
    events = [jobs.Event(name="test/event", data={"n": n, "part": n % 2}) for n in range(5000)]
    begun = time.perf_counter()
    jobs.send_sync(events)
    took = time.perf_counter() - begun
    print(f"5,000 events into batches in {took:.2f} s")
    testing.drain()
    assert [len(batch) for batch in seen] == [100] * 50
    engine.pass_time(seconds=61)
    testing.drain()
    assert [len(batch) for batch in seen[50:]] == [1]
    assert sorted(n for batch in seen for n in batch) == [-1, *range(5000)]
    assert took < 5


def test_a_batch_of_one_starts_at_once(engine: Engine) -> None:
    seen = batching(engine, max_size=1)
    send([1, 2])
    testing.drain()
    assert seen == [[1], [2]]


def test_an_event_with_a_time_to_come_starts_alone_at_its_time(engine: Engine) -> None:
    seen = batching(engine)
    send([1])
    engine.send(data={"n": 2}, ts=milliseconds(minutes=5))
    send([3, 4])
    testing.drain()
    assert seen == [[1, 3, 4]]
    engine.pass_time(minutes=6)
    testing.drain()
    assert seen == [[1, 3, 4], [2]]


def test_a_cancelled_batch_collects_no_more(engine: Engine) -> None:
    seen = batching(engine, max_size=2)
    send([1])
    actions.cancel(Run.objects.get(), by="ada")
    send([2])
    send([3])
    testing.drain()
    assert seen == [[2, 3]]
