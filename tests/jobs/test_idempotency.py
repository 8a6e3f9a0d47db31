"""Idempotency: one run for each value of an expression within 24 hours, whoever sends."""

import jobs
from jobs import testing
from jobs.models import Event, Run
from tests.jobs.conftest import Engine
from tests.jobs.flowing import milliseconds, notes, send


def once(engine: Engine, **options: object) -> list[int]:
    seen: list[int] = []
    engine.define(lambda ctx: seen.append(ctx.event.data["n"]), idempotency="event.data.order", **options)
    return seen


def test_the_first_event_of_a_value_starts_a_run_and_the_next_does_not(engine: Engine) -> None:
    seen = once(engine)
    first, second = send([1], order="a"), send([2], order="a")
    testing.drain()
    assert seen == [1]
    assert notes(first[0]) == ""
    assert "within 24 hours" in notes(second[0])
    assert "stepwell-work" in notes(second[0])


def test_each_value_has_a_run_of_its_own(engine: Engine) -> None:
    seen = once(engine)
    for number, order in enumerate(["a", 1, "1", None, True]):
        send([number], order=order)
    testing.drain()
    assert seen == [0, 1, 2, 3, 4]


def test_a_missing_value_is_one_value(engine: Engine) -> None:
    seen = once(engine)
    send([1])
    send([2], order=None)
    testing.drain()
    assert seen == [1]


def test_within_one_send_the_first_of_a_value_counts(engine: Engine) -> None:
    seen = once(engine)
    jobs.send_sync([jobs.Event(name="test/event", data={"n": n, "order": n % 2}) for n in range(6)])
    testing.drain()
    assert seen == [0, 1]
    assert Event.objects.exclude(note="").count() == 4


def test_after_24_hours_the_value_starts_a_run_again(engine: Engine) -> None:
    seen = once(engine)
    send([1], order="a")
    engine.pass_time(hours=23, minutes=59)
    send([2], order="a")
    engine.pass_time(minutes=2)
    send([3], order="a")
    send([4], order="a")
    testing.drain()
    assert seen == [1, 3]


def test_two_functions_with_the_same_expression_do_not_disturb_each_other(engine: Engine) -> None:
    seen = once(engine)
    engine.define(lambda ctx: seen.append(-ctx.event.data["n"]), fn_id="other", idempotency="event.data.order")
    send([1, 2], order="a")
    testing.drain()
    assert sorted(seen) == [-1, 1]


def test_values_that_differ_after_hundreds_of_characters_are_two(engine: Engine) -> None:
    seen = once(engine)
    send([1], order="x" * 600 + "a")
    send([2], order="x" * 600 + "b")
    send([3], order="x" * 600 + "a")
    testing.drain()
    assert seen == [1, 2]


def test_an_event_that_was_rate_limited_does_not_use_its_value_up(engine: Engine) -> None:
    seen = once(engine, rate_limit=jobs.RateLimit(limit=1, period=60_000))
    send([1], order="a")
    limited = send([2], order="b")
    assert "rate limited" in notes(limited[0])
    engine.pass_time(seconds=61)
    send([3], order="b")
    send([4], order="b")
    testing.drain()
    assert seen == [1, 3]
    assert Run.objects.count() == 2


def test_an_event_that_repeats_a_value_uses_up_no_rate(engine: Engine) -> None:
    seen = once(engine, rate_limit=jobs.RateLimit(limit=2, period=60_000))
    send([1, 2, 3], order="a")
    send([4], order="b")
    testing.drain()
    assert seen == [1, 4]


def test_a_value_counts_from_when_its_event_was_sent_not_from_its_time(engine: Engine) -> None:
    seen = once(engine)
    engine.send(data={"n": 1, "order": "a"}, ts=milliseconds(hours=30))
    engine.pass_time(hours=23)
    send([2], order="a")
    engine.pass_time(hours=2)
    send([3], order="a")
    testing.drain()
    assert seen == [3]
    engine.pass_time(hours=6)
    testing.drain()
    assert seen == [3, 1]
