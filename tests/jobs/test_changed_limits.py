"""Limits that change with a deploy, functions that this code does not know, and runs that nobody looks at."""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

import jobs
from jobs import actions, clock, overlooked, testing
from jobs.models import FreedKey, Run, Throttle, gating, pruning
from jobs.types import Status
from tests.jobs.conftest import Engine
from tests.jobs.flowing import blocked, leave, notes, numbers, send, take

HOUR = timedelta(hours=1)


def nothing(ctx: jobs.ContextSync) -> None:
    return None


def limited(limit: int, **more: Any) -> list[jobs.Concurrency]:
    return [jobs.Concurrency(limit=limit, **more)]


def look() -> int:
    """Look for runs that wait for nothing any more, as a keeper does."""
    with transaction.atomic(), connection.cursor() as cursor:
        assert gating.lock(cursor)
        return overlooked.look(cursor)


def test_a_higher_limit_lets_those_start_that_wait(engine: Engine) -> None:
    engine.define(nothing, concurrency=limited(1))
    send(range(6))
    assert numbers(take()) == [0]
    engine.deploy(nothing, concurrency=limited(4))
    assert look() == 1
    assert numbers(take()) == [1, 2, 3]


def test_a_lower_limit_holds_as_soon_as_those_have_ended_that_run(engine: Engine) -> None:
    engine.define(nothing, concurrency=limited(3))
    send(range(6))
    running = take()
    engine.deploy(nothing, concurrency=limited(1))
    for held in running[:2]:
        leave(held)
        assert take() == []
    leave(running[2])
    assert numbers(take()) == [3]


def test_without_a_limit_all_start_that_wait(engine: Engine) -> None:
    engine.define(nothing, concurrency=limited(2))
    send(range(40))
    take()
    engine.deploy(nothing)
    assert look() == 1
    assert numbers(take()) == list(range(2, 40))


def test_a_faster_throttle_does_not_wait_for_what_the_slower_one_had_planned(engine: Engine) -> None:
    engine.define(nothing, throttle=jobs.Throttle(limit=1, period=24 * HOUR))
    send(range(5))
    assert numbers(take()) == [0]
    engine.deploy(nothing, throttle=jobs.Throttle(limit=2, period=20_000))
    look()
    assert Throttle.objects.get().wake_at < clock.now() + timedelta(seconds=11)
    assert take() == []
    engine.pass_time(seconds=10.2)
    assert numbers(take()) == [1]
    look()
    engine.pass_time(seconds=10.2)
    assert numbers(take()) == [2]


def test_with_a_faster_throttle_those_who_have_waited_come_before_a_new_one(engine: Engine) -> None:
    engine.define(nothing, throttle=jobs.Throttle(limit=1, period=HOUR))
    send(range(3))
    take()
    engine.pass_time(minutes=2)
    engine.deploy(nothing, throttle=jobs.Throttle(limit=100, period=HOUR))
    send([9])
    assert numbers(take()) == [1, 2, 9]


def test_without_a_throttle_all_start_that_wait(engine: Engine) -> None:
    engine.define(nothing, throttle=jobs.Throttle(limit=1, period=HOUR))
    send(range(20))
    take()
    engine.deploy(nothing)
    look()
    assert numbers(take()) == list(range(1, 20))
    assert Throttle.objects.get().wake_at is None


def test_a_higher_rate_limit_lets_events_in_at_once(engine: Engine) -> None:
    engine.define(nothing, rate_limit=jobs.RateLimit(limit=1, period=24 * HOUR))
    send([1, 2])
    engine.deploy(nothing, rate_limit=jobs.RateLimit(limit=2, period=20_000))
    first = send([3])
    engine.pass_time(seconds=10.2)
    second = send([4])
    assert ["rate limited" in notes(one) for (one,) in (first, second)] == [True, False]


def test_looking_again_changes_nothing_where_all_is_well(engine: Engine) -> None:
    engine.define(nothing, concurrency=limited(1), throttle=jobs.Throttle(limit=3, period=HOUR))
    engine.define(nothing, fn_id="turns", throttle=jobs.Throttle(limit=1, period=HOUR))
    send(range(10))
    take()
    before = list(Throttle.objects.order_by("key").values_list())
    engine.pass_time(minutes=5)
    assert look() == 0
    assert take() == []
    assert list(Throttle.objects.order_by("key").values_list()) == before


def test_runs_whose_wake_up_got_lost_are_found(engine: Engine) -> None:
    engine.define(nothing, concurrency=limited(1, key="event.data.user"))
    for user in "aabb":
        send([1], user=user)
    take()
    # As nothing of ours does it.
    Run.objects.filter(status=Status.RUNNING).update(status=Status.COMPLETED, ended_at="2026-01-01T00:00Z")
    assert take() == []
    assert look() == 2
    assert len(take()) == 2


def test_a_function_that_this_code_does_not_know_blocks_no_other(engine: Engine) -> None:
    engine.define(nothing, concurrency=limited(1), fn_id="gone")
    send(range(20))
    engine.deploy(nothing, concurrency=limited(1))
    send([100, 101])
    assert numbers(take()) == [100]
    assert take() == []
    gone = Run.objects.filter(function="stepwell-gone")
    assert set(gone.values_list("status", "started_at")) == {(Status.QUEUED, None)}
    assert gone.first().error["code"] == "unknown_function"


def test_a_run_that_was_not_known_for_a_while_keeps_its_limits(engine: Engine) -> None:
    engine.define(nothing, throttle=jobs.Throttle(limit=1, period=HOUR), concurrency=limited(1))
    send(range(3))
    engine.begin_anew()
    assert take() == []
    engine.define(nothing, throttle=jobs.Throttle(limit=1, period=HOUR), concurrency=limited(1))
    assert take() == []
    engine.pass_time(seconds=16)
    first = take()
    assert numbers(first) == [0]
    leave(first)
    assert take() == []
    assert Run.objects.get(pk=first[0].run_id).error is None


def test_runs_of_a_function_that_is_gone_come_forth_and_say_so(engine: Engine) -> None:
    engine.define(nothing, concurrency=limited(1), fn_id="gone")
    send(range(3))
    leave(take())
    take()
    Run.objects.filter(status=Status.RUNNING).update(status=Status.COMPLETED, ended_at="2026-01-01T00:00Z")
    engine.begin_anew()
    assert look() == 1
    assert take() == []
    assert Run.objects.filter(error__contains="unknown_function").count() == 1


def test_waking_a_run_does_not_take_it_past_its_limit(engine: Engine) -> None:
    engine.define(nothing, concurrency=limited(1))
    send(range(2))
    held = take()
    assert take() == []
    waiting = Run.objects.get(status=Status.QUEUED)
    assert not actions.wake(waiting, by="ada")
    assert take() == []
    leave(held)
    assert numbers(take()) == [1]


def test_a_delayed_run_that_is_woken_asks_at_once(engine: Engine) -> None:
    engine.define(nothing, concurrency=limited(1))
    engine.send(data={"n": 1}, ts=4_000_000_000_000)
    assert take() == []
    assert actions.wake(Run.objects.get(), by="ada")
    assert numbers(take()) == [1]


def test_a_run_with_limits_keeps_them_when_it_is_run_again(engine: Engine) -> None:
    engine.define(nothing, concurrency=limited(1), retries=0)
    send([1])
    testing.drain()
    run = Run.objects.get()
    send([2])
    held = take()
    again = actions.rerun(run, by="ada")
    assert take() == []
    assert Run.objects.get(pk=again.pk).blocked_by == "stepwell-work"
    leave(held)
    assert numbers(take()) == [1]


def test_nothing_is_left_over_when_all_has_ended(engine: Engine) -> None:
    engine.define(nothing, concurrency=limited(2, key="event.data.user"), throttle=jobs.Throttle(limit=9, period=1000))
    for number in range(30):
        send([number], user=number % 3)
    for _ in range(30):
        testing.drain()
        engine.pass_time(seconds=1)
    assert Run.objects.filter(status=Status.COMPLETED).count() == 30
    assert (blocked(), FreedKey.objects.count()) == (0, 0)
    assert Throttle.objects.filter(wake_at__isnull=False).count() == 0


def test_keys_that_hold_nothing_back_are_forgotten_after_a_day(engine: Engine) -> None:
    engine.define(nothing, throttle=jobs.Throttle(limit=1, period=48 * HOUR, key="event.data.user"))
    engine.define(nothing, fn_id="rated", rate_limit=jobs.RateLimit(limit=1, period=1000, key="event.data.user"))
    send([1, 2], user="a")
    take()
    send([3], user="b")
    engine.pass_time(days=2, hours=1)
    with connection.cursor() as cursor:
        assert pruning.prune_keys(cursor) == 2
    # One user's second run still waits for its turn.
    assert [one.key for one in Throttle.objects.all()] == ['throttle stepwell-work: event.data.user = "a"']
    assert numbers(take()) == [2, 3]
