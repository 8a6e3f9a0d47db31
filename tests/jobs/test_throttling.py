"""Throttle: starts at the instants of the generic cell rate algorithm; what is too early queues and is never lost."""

import time
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import actions, clock, testing
from jobs.journal import Failed
from jobs.models import Run, Throttle
from jobs.types import Status
from tests.jobs.conftest import Engine
from tests.jobs.flowing import blocked, leave, milliseconds, numbers, send, take, too_early

MINUTE = timedelta(minutes=1)


def throttled(engine: Engine, limit: int = 3, **options: Any) -> None:
    """Define a function with a throttle of so many runs in a minute."""
    named = {name: options.pop(name) for name in ("burst", "key") if name in options}
    engine.define(lambda ctx: None, throttle=jobs.Throttle(limit=limit, period=MINUTE, **named), **options)


def starts_over(engine: Engine, seconds: int, step: float = 1.0) -> list[tuple[int, list[int]]]:
    """Let time pass in steps and return what started when, in seconds from here."""
    found: list[tuple[int, list[int]]] = []
    begun, moved = time.monotonic(), 0.0
    for second in range(1, seconds + 1):
        # The real clock goes on as well, and on a busy machine adds up to more than the half second.
        move = second * step - moved - (time.monotonic() - begun)
        engine.pass_time(seconds=move)
        moved += move
        if taken := numbers(take()):
            found.append((second, taken))
    return found


def test_as_many_as_the_limit_start_at_once_and_the_rest_at_equal_distances(engine: Engine) -> None:
    throttled(engine)
    send(range(6))
    assert numbers(take()) == [0, 1, 2]
    # Half a second, so that no look comes at the very instant.
    engine.pass_time(seconds=0.5)
    assert take() == []
    assert starts_over(engine, 65) == [(20, [3]), (40, [4]), (60, [5])]


@pytest.mark.parametrize(("burst", "at_once"), [(1, 2), (3, 4), (None, 2)])
def test_a_burst_lets_so_many_more_start_at_once(engine: Engine, burst: int | None, at_once: int) -> None:
    throttled(engine, 2, burst=burst)
    send(range(10))
    assert len(take()) == at_once
    engine.pass_time(seconds=0.5)
    assert starts_over(engine, 65) == [(30, [at_once]), (60, [at_once + 1])]


def test_the_instants_are_kept_exactly(engine: Engine) -> None:
    throttled(engine)
    send(range(5))
    take()
    begun = Run.objects.filter(started_at__isnull=False).earliest("started_at").started_at
    first = Throttle.objects.get()
    assert abs((first.wake_at - begun).total_seconds() - 20) < 0.1
    engine.pass_time(seconds=19.5)
    assert take() == []
    engine.pass_time(seconds=0.6)
    assert numbers(take()) == [3]
    # Late or not, the next one has its instant.
    assert abs((Throttle.objects.get().wake_at - first.wake_at).total_seconds() - 20) < 0.001


def test_after_a_pause_as_many_as_at_first_start_at_once(engine: Engine) -> None:
    throttled(engine)
    send(range(3))
    take()
    engine.pass_time(minutes=10)
    send(range(10, 15))
    assert numbers(take()) == [10, 11, 12]


def test_every_key_has_a_rate_of_its_own(engine: Engine) -> None:
    throttled(engine, 1, key="event.data.user")
    for number, user in enumerate("aabbc"):
        send([number], user=user)
    assert numbers(take()) == [0, 2, 4]
    engine.pass_time(seconds=60.5)
    assert numbers(take()) == [1, 3]


def test_what_goes_on_after_a_sleep_is_not_throttled(engine: Engine) -> None:
    seen: list[int] = []

    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.sleep("pause", timedelta(seconds=1))
        seen.append(ctx.event.data["n"])

    engine.define(body, throttle=jobs.Throttle(limit=1, period=timedelta(hours=1)))
    send([1])
    testing.drain()
    engine.pass_time(seconds=2)
    testing.drain()
    assert seen == [1]
    assert Run.objects.get().status == Status.COMPLETED


def test_a_retry_is_not_throttled(engine: Engine) -> None:
    throttled(engine, 1)
    send([1])
    leave(take(), Failed({"code": "error"}))
    actions.retry(Run.objects.get(), by="ada")
    assert numbers(take()) == [1]


def test_nothing_is_lost_however_much_queues(engine: Engine) -> None:
    throttled(engine, 60)
    send(range(300))
    seen = numbers(take(1000))
    for _, taken in starts_over(engine, 250):
        seen += taken
    assert seen == list(range(300))
    assert blocked() == 0
    assert Throttle.objects.get().wake_at is None


def test_a_late_comer_does_not_overtake_those_that_wait(engine: Engine) -> None:
    throttled(engine, 1)
    send(range(3))
    take()
    take()
    engine.pass_time(seconds=60.5)
    send([9])
    assert numbers(take()) == [1]
    engine.pass_time(seconds=60.5)
    assert numbers(take()) == [2]
    engine.pass_time(seconds=60.5)
    assert numbers(take()) == [9]


def test_a_worker_with_little_room_leaves_the_others_to_the_next_claim(engine: Engine) -> None:
    throttled(engine, 3)
    send(range(3))
    take()
    send(range(10, 20))
    take()
    engine.pass_time(minutes=1, seconds=1)
    assert numbers(take(1)) == [10]
    assert numbers(take(1)) == [11]
    assert numbers(take(5)) == [12]
    assert take() == []


def test_a_late_comer_does_not_stop_the_clock_of_those_that_wait(engine: Engine) -> None:
    throttled(engine, 1)
    send(range(3))
    take()
    assert take() == []
    for number in (10, 11):
        engine.pass_time(seconds=10)
        send([number])
        assert take() == []
        assert Throttle.objects.get().wake_at is not None
    engine.pass_time(seconds=41)
    assert numbers(take()) == [1]


def test_throttle_and_concurrency_hold_together(engine: Engine) -> None:
    throttled(engine, 6, concurrency=[jobs.Concurrency(limit=1)])
    send(range(4))
    first = take()
    assert numbers(first) == [0]
    leave(first)
    second = take()
    assert numbers(second) == [1]
    engine.pass_time(minutes=5)
    assert take() == []
    leave(second)
    assert numbers(take()) == [2]


def test_a_delayed_run_asks_when_its_time_comes(engine: Engine) -> None:
    throttled(engine, 1)
    engine.send(data={"n": 1}, ts=milliseconds(minutes=10))
    send([2])
    assert numbers(take()) == [2]
    engine.pass_time(minutes=9)
    assert take() == []
    engine.pass_time(minutes=2)
    assert numbers(take()) == [1]


def test_the_starts_are_those_of_the_algorithm_whenever_events_come(engine: Engine) -> None:
    throttled(engine, 4, burst=2)
    starts = []
    for number in range(200):
        engine.pass_time(seconds=(number * 7) % 11 / 2)
        if number % 3:
            send([number] * (number % 4))
        now = clock.now()
        starts += [now for _ in take()]
    assert len(starts) > 30
    assert max(too_early(starts, 15, 5), default=0) < 0.1
