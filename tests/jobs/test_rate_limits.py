"""Rate limits: so many runs in a period, exactly, and what is more starts nothing."""

from datetime import datetime, timedelta

import pytest
from django.db import transaction

import jobs
from jobs import clock, testing
from jobs.models import Event, Run
from tests.jobs.conftest import Engine
from tests.jobs.flowing import milliseconds, notes, send, too_early

THREE = jobs.RateLimit(limit=3, period=timedelta(seconds=60))


def limited(engine: Engine, rate_limit: jobs.RateLimit = THREE) -> list[int]:
    seen: list[int] = []
    engine.define(lambda ctx: seen.append(ctx.event.data["n"]), rate_limit=rate_limit)
    return seen


def test_what_is_more_than_the_limit_starts_nothing_and_says_so_on_the_event(engine: Engine) -> None:
    seen = limited(engine)
    ids = [send([number])[0] for number in range(5)]
    testing.drain()
    assert seen == [0, 1, 2]
    assert [notes(one) for one in ids] == [""] * 3 + ["stepwell-work: rate limited\n"] * 2
    assert Run.objects.count() == 3


def test_several_in_one_send_are_counted_one_by_one(engine: Engine) -> None:
    seen = limited(engine)
    send(range(10))
    testing.drain()
    assert seen == [0, 1, 2]
    assert Event.objects.filter(note__contains="rate limited").count() == 7


def test_a_place_becomes_free_with_each_part_of_the_period(engine: Engine) -> None:
    seen = limited(engine)
    send(range(3))
    engine.pass_time(seconds=19)
    send([10])
    engine.pass_time(seconds=1.1)
    send([11, 12])
    engine.pass_time(seconds=40)
    send([13, 14, 15])
    testing.drain()
    assert seen == [0, 1, 2, 11, 13, 14]


def test_refused_events_do_not_put_off_the_next_that_is_let_in(engine: Engine) -> None:
    seen = limited(engine)
    send(range(50))
    engine.pass_time(seconds=20.1)
    send([99])
    testing.drain()
    assert seen == [0, 1, 2, 99]


def test_every_key_has_a_rate_of_its_own(engine: Engine) -> None:
    seen = limited(engine, jobs.RateLimit(limit=1, period=60_000, key="event.data.user"))
    jobs.send_sync([jobs.Event(name="test/event", data={"n": n, "user": "abc"[n % 3]}) for n in range(9)])
    testing.drain()
    assert seen == [0, 1, 2]


def test_a_missing_key_is_a_key_as_well(engine: Engine) -> None:
    seen = limited(engine, jobs.RateLimit(limit=1, period=60_000, key="event.data.user"))
    send([1, 2])
    send([3], user="a")
    testing.drain()
    assert seen == [1, 3]


def test_a_send_that_is_rolled_back_has_used_nothing_up(engine: Engine) -> None:
    seen = limited(engine, jobs.RateLimit(limit=1, period=60_000))

    def send_in_vain() -> None:
        with transaction.atomic():
            send([1])
            raise LookupError

    with pytest.raises(LookupError):
        send_in_vain()
    send([2])
    testing.drain()
    assert seen == [2]


def test_two_functions_have_two_rates(engine: Engine) -> None:
    seen = limited(engine, jobs.RateLimit(limit=1, period=60_000))
    engine.define(lambda ctx: seen.append(100 + ctx.event.data["n"]), fn_id="other", rate_limit=THREE)
    send(range(5))
    testing.drain()
    assert sorted(seen) == [0, 100, 101, 102]


def test_the_rate_is_exactly_that_of_the_algorithm(engine: Engine) -> None:
    limited(engine, jobs.RateLimit(limit=4, period=timedelta(seconds=10)))
    admitted: list[datetime] = []
    refused: list[datetime] = []
    for number, pause in enumerate([0, 0.1, 0.2, 0, 1, 1.5, 0.3, 2.6, 0, 7, 0, 0, 0, 2.4, 0.2] * 3):
        engine.pass_time(seconds=pause)
        now = clock.now()
        (admitted if notes(send([number])[0]) == "" else refused).append(now)
    assert len(admitted) > 12
    assert len(refused) > 3
    # Between a look at the clock and the decision pass milliseconds.
    assert max(too_early(admitted, 2.5, 4), default=0) < 0.1
    for moment in refused:
        assert too_early([*[one for one in admitted if one < moment], moment], 2.5, 4)


def test_an_event_with_a_time_to_come_counts_when_it_is_sent_and_starts_then(engine: Engine) -> None:
    seen = limited(engine, jobs.RateLimit(limit=1, period=timedelta(minutes=1)))
    engine.send(data={"n": 1}, ts=milliseconds(minutes=10))
    assert "rate limited" in notes(send([2])[0])
    engine.pass_time(minutes=9)
    send([3])
    testing.drain()
    assert seen == [3]
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [3, 1]
