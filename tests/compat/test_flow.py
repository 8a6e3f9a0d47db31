"""Config values in the shape of Inngest's examples, and what each of them does to the runs of a function."""

import datetime
from typing import Any

import pydantic
import pytest

import jobs as inngest
from jobs import testing
from jobs.models import Run
from jobs.types import Status

ON = inngest.TriggerEvent(event="shop/order.placed")
MINUTE = datetime.timedelta(minutes=1)


def placed(n: int = 1, **fields: Any) -> inngest.Event:
    return inngest.Event(name="shop/order.placed", data={"order": n, "user": f"u{n % 2}"}, **fields)


def outputs() -> list[Any]:
    return [run.output for run in Run.objects.order_by("id")]


def drained(client: inngest.Client, events: list[inngest.Event], later: datetime.timedelta = MINUTE * 0) -> None:
    client.send_sync(events)
    testing.drain()
    with testing.shift_clock(later):
        testing.drain()


def number(ctx: inngest.ContextSync) -> Any:
    return ctx.event.data["order"]


def test_durations_are_milliseconds_or_timedeltas() -> None:
    assert inngest.Debounce(period=60_000).period == 60_000
    assert inngest.Throttle(limit=1, period=MINUTE).burst == 1
    assert inngest.Timeouts(start=1000, finish=MINUTE).finish == MINUTE
    for wrong in ("60s", 1.5):
        with pytest.raises(pydantic.ValidationError):
            inngest.Debounce(period=wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        inngest.Priority("1")  # type: ignore[call-arg, misc]


def test_a_batch_is_one_run_of_many_events(client: inngest.Client) -> None:
    batch = inngest.Batch(max_size=2, timeout=MINUTE, key="event.data.user")

    @client.create_function(fn_id="batched", trigger=ON, batch_events=batch)
    def fn(ctx: inngest.ContextSync) -> list[int]:
        return [event.data["order"] for event in ctx.events]

    drained(client, [placed(n) for n in range(1, 6)], later=MINUTE)
    assert sorted(outputs()) == [[1, 3], [2, 4], [5]]


def test_a_later_event_cancels(client: inngest.Client) -> None:
    rule = inngest.Cancel(event="shop/order.cancelled", if_exp="event.data.order == async.data.order", timeout=MINUTE)

    @client.create_function(fn_id="cancelled", trigger=ON, cancel=[rule])
    def fn(ctx: inngest.ContextSync) -> str:
        ctx.step.sleep("a-while", 10_000)
        return "not cancelled"

    drained(client, [placed(1), placed(2)])
    cancelling = inngest.Event(name="shop/order.cancelled", data={"order": 1})
    drained(client, [cancelling], later=MINUTE)
    assert sorted(run.status for run in Run.objects.all()) == [Status.CANCELLED, Status.COMPLETED]


def test_concurrency_and_throttle_let_all_runs_through_in_the_end(client: inngest.Client) -> None:
    limits = [
        inngest.Concurrency(limit=1, key="event.data.user"),
        inngest.Concurrency(limit=5, scope="account", key='"payments"'),
    ]
    client.create_function(fn_id="limited", trigger=ON, concurrency=limits)(number)
    throttle = inngest.Throttle(limit=1, period=MINUTE, burst=1, key="event.data.user")
    client.create_function(fn_id="throttled", trigger=ON, throttle=throttle)(number)
    drained(client, [placed(n) for n in (1, 3)], later=MINUTE)
    assert sorted(outputs()) == [1, 1, 3, 3]


def test_a_debounce_keeps_the_last(client: inngest.Client) -> None:
    debounce = inngest.Debounce(period=MINUTE, key="event.data.user", timeout=10 * MINUTE)
    client.create_function(fn_id="debounced", trigger=ON, debounce=debounce)(number)
    drained(client, [placed(1, ts=1_700_000_000_001), placed(3, ts=1_700_000_000_003)], later=MINUTE)
    assert outputs() == [3]


def test_a_debounce_keeps_the_last_of_those_that_are_sent_together(client: inngest.Client) -> None:
    client.create_function(fn_id="debounced", trigger=ON, debounce=inngest.Debounce(period=MINUTE))(number)
    drained(client, [placed(n) for n in (1, 2, 3)], later=MINUTE)
    assert outputs() == [3]


def test_idempotency_starts_one_run_for_a_value(client: inngest.Client) -> None:
    client.create_function(fn_id="once", trigger=ON, idempotency="event.data.order")(number)
    drained(client, [placed(1), placed(1), placed(2)])
    assert outputs() == [1, 2]


def test_an_event_id_counts_once(client: inngest.Client) -> None:
    client.create_function(fn_id="deduped", trigger=ON)(number)
    assert len(client.send_sync([placed(1, id="order-1"), placed(1, id="order-1")])) == 2
    testing.drain()
    assert outputs() == [1]


def test_priority_is_an_expression(client: inngest.Client) -> None:
    order: list[int] = []

    @client.create_function(fn_id="first", trigger=ON, priority=inngest.Priority(run="event.data.order * 60"))
    def fn(ctx: inngest.ContextSync) -> None:
        order.append(ctx.event.data["order"])

    drained(client, [placed(1), placed(2), placed(3)])
    assert order == [3, 2, 1]


def test_a_rate_limit_drops_what_is_too_much(client: inngest.Client) -> None:
    limit = inngest.RateLimit(limit=1, period=MINUTE, key="event.data.user")
    client.create_function(fn_id="rated", trigger=ON, rate_limit=limit)(number)
    drained(client, [placed(1), placed(3), placed(2)], later=MINUTE)
    assert sorted(outputs()) == [1, 2]


@pytest.mark.parametrize(("mode", "left"), [("skip", 1), ("cancel", 3)])
def test_a_singleton_skips_the_new_or_cancels_the_old(client: inngest.Client, mode: Any, left: int) -> None:
    singleton = inngest.Singleton(mode=mode, key="event.data.user")

    @client.create_function(fn_id="single", trigger=ON, singleton=singleton)
    def fn(ctx: inngest.ContextSync) -> int:
        ctx.step.sleep("a-while", 10_000)
        return number(ctx)

    drained(client, [placed(1)])
    drained(client, [placed(3)], later=MINUTE)
    assert [run.output for run in Run.objects.filter(status=Status.COMPLETED)] == [left]


def test_timeouts_cancel(client: inngest.Client) -> None:
    @client.create_function(fn_id="late", trigger=ON, timeouts=inngest.Timeouts(start=MINUTE, finish=10 * MINUTE))
    def fn(ctx: inngest.ContextSync) -> None:
        ctx.step.sleep("too-long", datetime.timedelta(hours=1))

    assert testing.run(fn, placed()).status == Status.CANCELLED


def test_several_triggers_of_both_kinds(client: inngest.Client) -> None:
    triggers = [
        inngest.TriggerEvent(event="shop/order.placed", expression="event.data.order > 1"),
        inngest.TriggerEvent(event="shop/order.changed"),
        inngest.TriggerCron(cron="0 9 * * *"),
        inngest.TriggerCron(cron="TZ=Europe/Paris 30 8 * * 1", jitter="30s"),
    ]

    @client.create_function(fn_id="several", name="Several triggers", trigger=triggers)
    def fn(ctx: inngest.ContextSync) -> str:
        return ctx.event.name

    drained(client, [placed(1), placed(2), inngest.Event(name="shop/order.changed")])
    assert outputs() == ["shop/order.placed", "shop/order.changed"]
    assert [cron.cron for cron in fn.crons] == ["0 9 * * *", "TZ=Europe/Paris 30 8 * * 1"]
    assert (fn.id, fn.get_id(), fn.local_id, fn.name) == ("shop-several", "shop-several", "several", "Several triggers")
