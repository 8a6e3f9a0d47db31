"""Debounce: one run after several events, once they have ceased."""

from datetime import timedelta
from typing import Any

import jobs
from jobs import actions, testing
from jobs.models import Run
from jobs.types import Status
from tests.jobs.conftest import Engine
from tests.jobs.flowing import milliseconds, send

TEN = timedelta(seconds=10)


def debounced(engine: Engine, **options: Any) -> list[tuple[int, list[int]]]:
    """Define a function whose runs note the number of their event and of all their events."""
    seen: list[tuple[int, list[int]]] = []

    def body(ctx: jobs.ContextSync) -> None:
        seen.append((ctx.event.data["n"], [event.data["n"] for event in ctx.events]))

    engine.define(body, debounce=jobs.Debounce(period=TEN, **options))
    return seen


def test_the_run_starts_a_period_after_the_last_event(engine: Engine) -> None:
    seen = debounced(engine)
    for number in range(3):
        send([number])
        engine.pass_time(seconds=9)
        testing.drain()
    assert seen == []
    engine.pass_time(seconds=1.1)
    testing.drain()
    assert seen == [(2, [0, 1, 2])]


def test_an_event_after_the_start_opens_the_next_run(engine: Engine) -> None:
    seen = debounced(engine)
    send([1])
    engine.pass_time(seconds=11)
    testing.drain()
    send([2])
    testing.drain()
    engine.pass_time(seconds=11)
    testing.drain()
    assert seen == [(1, [1]), (2, [2])]


def test_the_timeout_caps_the_whole_wait(engine: Engine) -> None:
    seen = debounced(engine, timeout=timedelta(seconds=25))
    for number in range(5):
        send([number])
        testing.drain()
        engine.pass_time(seconds=6)
    # At 0, 6, 12, 18 and 24 seconds, and now it is 30: the first event is more than 25 s ago.
    testing.drain()
    assert seen == [(4, [0, 1, 2, 3, 4])]


def test_the_event_of_the_run_is_the_newest_by_its_own_time(engine: Engine) -> None:
    seen = debounced(engine)
    for number, ahead in ((1, -5), (2, -1), (3, -9)):
        engine.send(data={"n": number}, ts=milliseconds(seconds=ahead))
    engine.pass_time(seconds=11)
    testing.drain()
    assert seen == [(2, [1, 2, 3])]


def test_every_key_waits_for_itself(engine: Engine) -> None:
    seen = debounced(engine, key="event.data.user")
    send([1], user="a")
    engine.pass_time(seconds=6)
    send([2], user="b")
    send([3], user="a")
    engine.pass_time(seconds=6)
    send([4], user="b")
    testing.drain()
    assert seen == []
    engine.pass_time(seconds=5)
    testing.drain()
    assert seen == [(3, [1, 3])]
    engine.pass_time(seconds=6)
    testing.drain()
    assert seen == [(3, [1, 3]), (4, [2, 4])]


def test_several_events_of_one_send_make_one_run(engine: Engine) -> None:
    seen = debounced(engine)
    send(range(5))
    send(range(5, 8))
    engine.pass_time(seconds=11)
    testing.drain()
    # All of a send have the same time; the last of them is the newest.
    assert seen == [(7, list(range(8)))]
    assert Run.objects.get().collected == 8


def test_running_again_takes_all_events(engine: Engine) -> None:
    seen = debounced(engine)
    send([1, 2])
    engine.pass_time(seconds=11)
    testing.drain()
    run = actions.rerun(Run.objects.get(), by="ada")
    testing.drain()
    assert [all_of for _, all_of in seen] == [[1, 2], [1, 2]]
    assert Run.objects.get(pk=run.pk).status == Status.COMPLETED


def test_an_event_with_a_time_to_come_is_not_started_before_it(engine: Engine) -> None:
    seen = debounced(engine)
    engine.send(data={"n": 1}, ts=milliseconds(minutes=5))
    send([2])
    engine.pass_time(minutes=4)
    testing.drain()
    assert seen == []
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [(1, [1, 2])]


def test_a_later_event_with_a_time_to_come_delays_what_was_collected(engine: Engine) -> None:
    seen = debounced(engine)
    send([1])
    engine.send(data={"n": 2}, ts=milliseconds(minutes=5))
    engine.pass_time(minutes=4)
    testing.drain()
    assert seen == []
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [(2, [1, 2])]


def test_a_run_that_is_woken_collects_no_more(engine: Engine) -> None:
    seen = debounced(engine)
    send([1])
    assert actions.wake(Run.objects.get(), by="ada")
    send([2])
    testing.drain()
    assert seen == [(1, [1])]
    engine.pass_time(seconds=11)
    testing.drain()
    assert seen == [(1, [1]), (2, [2])]


def test_a_run_that_was_cancelled_collects_no_more(engine: Engine) -> None:
    seen = debounced(engine)
    send([1])
    actions.cancel(Run.objects.get(), by="ada")
    send([2])
    engine.pass_time(seconds=11)
    testing.drain()
    assert seen == [(2, [2])]


def test_the_time_to_start_counts_from_when_it_is_due(engine: Engine) -> None:
    engine.define(
        lambda ctx: None, debounce=jobs.Debounce(period=TEN), timeouts=jobs.Timeouts(start=timedelta(seconds=5))
    )
    for number in range(4):
        send([number])
        engine.pass_time(seconds=8)
        testing.drain()
    assert Run.objects.get().status == Status.QUEUED
    engine.pass_time(seconds=3)
    testing.drain()
    assert Run.objects.get().status == Status.COMPLETED
