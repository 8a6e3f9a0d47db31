"""Steps in the shape of Inngest's examples, for plain and for async functions."""

import datetime
import functools
from typing import Any

import pytest

import jobs as inngest
from jobs import testing

ON = inngest.TriggerEvent(event="shop/order.placed")


def total(lines: list[int], tax: float) -> float:
    return sum(lines) * (1 + tax)


async def total_soon(lines: list[int], tax: float) -> float:
    return total(lines, tax)


def test_no_steps(client: inngest.Client) -> None:
    @client.create_function(fn_id="no-steps", trigger=ON)
    def plain(ctx: inngest.ContextSync) -> int:
        return 1

    @client.create_function(fn_id="no-steps-async", trigger=ON)
    async def coroutine(ctx: inngest.Context) -> None:
        return None

    assert testing.run(plain).must_complete() == 1
    assert testing.run(coroutine).must_complete() is None


def test_handlers_get_positional_arguments_and_partials_the_named_ones(client: inngest.Client) -> None:
    @client.create_function(fn_id="totals", trigger=ON)
    def plain(ctx: inngest.ContextSync) -> list[float]:
        named = ctx.step.run("named", functools.partial(total, lines=[1, 2], tax=1.0))
        return [ctx.step.run("plain", total, [1], 0.0), named, ctx.step.run(step_id="both", handler=lambda: 7.0)]

    @client.create_function(fn_id="totals-async", trigger=ON)
    async def coroutine(ctx: inngest.Context) -> list[float]:
        named = await ctx.step.run("named", functools.partial(total_soon, lines=[1, 2], tax=1.0))
        one = await ctx.step.run("plain", total_soon, [1], 0.0)
        return [one, named, await ctx.step.run("sync", total, [7], 0.0)]

    assert testing.run(plain).must_complete() == [1.0, 6.0, 7.0]
    assert testing.run(coroutine).must_complete() == [1.0, 6.0, 7.0]


def test_an_async_function_takes_lambdas_that_return_a_coroutine(client: inngest.Client) -> None:
    @client.create_function(fn_id="lambdas", trigger=ON)
    async def fn(ctx: inngest.Context) -> float:
        return await ctx.step.run("soon", lambda: total_soon([2], 0.5))

    assert testing.run(fn).must_complete() == 3.0


def test_an_id_in_a_loop_is_a_step_each_time(client: inngest.Client) -> None:
    @client.create_function(fn_id="loop", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> list[str]:
        return [ctx.step.run("line", lambda line=line: f"{line}!") for line in ctx.event.data["lines"]]

    assert testing.run(fn, data={"lines": ["a", "b", "c"]}).must_complete() == ["a!", "b!", "c!"]


@pytest.mark.parametrize("step_id", ["with spaces", "a/b:c?d=e&f", "\N{SPARKLES} élan", "x" * 300, ""])
def test_any_string_is_an_id(client: inngest.Client, step_id: str) -> None:
    @client.create_function(fn_id="ids", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> int:
        value = ctx.step.run(step_id, lambda: 1)
        ctx.step.sleep("pause", 1000)
        return value

    assert testing.run(fn).must_complete() == 1


def test_results_are_what_json_makes_of_them(client: inngest.Client) -> None:
    @client.create_function(fn_id="json", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> list[bool]:
        values = ctx.step.run("values", lambda: {"tuple": (1, 2), "none": None, "bool": True, "nested": {"a": [1.5]}})
        nothing = ctx.step.run("nothing", lambda: None)
        return [values == {"tuple": [1, 2], "none": None, "bool": True, "nested": {"a": [1.5]}}, nothing is None]

    assert testing.run(fn).must_complete() == [True, True]


def test_sleeps_take_milliseconds_timedeltas_and_points_in_time(client: inngest.Client) -> None:
    @client.create_function(fn_id="sleeps", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> str:
        ctx.step.sleep("milliseconds", 60_000)
        ctx.step.sleep("span", datetime.timedelta(hours=1))
        ctx.step.sleep_until("naive", datetime.datetime.now() + datetime.timedelta(seconds=3))
        ctx.step.sleep_until("aware", datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC))
        return "awake"

    result = testing.run(fn)
    assert result.must_complete() == "awake"
    assert datetime.timedelta(hours=1, minutes=1) <= result.took < datetime.timedelta(hours=1, minutes=2)


def test_waits_give_the_event_or_none(client: inngest.Client) -> None:
    @client.create_function(fn_id="waits", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> Any:
        paid = ctx.step.wait_for_event(
            "paid",
            event="shop/order.paid",
            if_exp="event.data.order == async.data.order",
            timeout=datetime.timedelta(days=1),
        )
        rated = ctx.step.wait_for_event("rated", event="shop/order.rated", timeout=60_000)
        assert rated is None
        return None if paid is None else [paid.name, paid.data["by"], bool(paid.id), paid.ts > 0]

    waiting = testing.run(fn, data={"order": 7}, until=datetime.timedelta(0))
    other = waiting.send(inngest.Event(name="shop/order.paid", data={"order": 8, "by": "card"}))
    assert other.status == "WAITING"
    met = other.send(inngest.Event(name="shop/order.paid", data={"order": 7, "by": "cash"})).to_its_end()
    assert met.must_complete() == ["shop/order.paid", "cash", True, True]
    assert testing.run(fn, data={"order": 7}).must_complete() is None


def test_events_are_sent_in_a_step_and_from_the_body(client: inngest.Client) -> None:
    @client.create_function(fn_id="sends", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> list[int]:
        one = ctx.step.send_event("one", inngest.Event(name="shop/told", data={"n": 1}))
        two = ctx.step.send_event("two", [inngest.Event(name="shop/told"), inngest.Event(name="shop/told", data={})])
        body = client.send_sync(inngest.Event(name="shop/told"))
        return [len(one), len(two), len(body)]

    result = testing.run(fn)
    assert result.must_complete() == [1, 2, 1]
    assert [event.name for event in result.sent] == ["shop/told"] * 4


def test_an_async_function_does_all_of_it(client: inngest.Client) -> None:
    @client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event="never"))
    async def child(ctx: inngest.Context) -> dict[str, int]:
        return {"doubled": ctx.event.data["n"] * 2}

    @client.create_function(fn_id="everything", trigger=ON)
    async def fn(ctx: inngest.Context) -> list[Any]:
        await ctx.step.sleep("nap", datetime.timedelta(seconds=5))
        await ctx.step.sleep_until("until", datetime.datetime.now(datetime.UTC))
        event = await ctx.step.wait_for_event("wait", event="shop/never", timeout=1000)
        ids = await ctx.step.send_event("send", [inngest.Event(name="shop/told")])
        sent = await client.send(inngest.Event(name="shop/told"))
        value = await ctx.step.invoke("object", function=child, data={"n": 4})
        named = await ctx.step.invoke_by_id("id", function_id="child", data={"n": 5})
        return [event, len(ids), len(sent), value["doubled"], named["doubled"]]

    assert testing.run(fn).must_complete() == [None, 1, 1, 8, 10]


def test_invocations_by_object_and_by_id(client: inngest.Client) -> None:
    @client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event="never"))
    def child(ctx: inngest.ContextSync) -> Any:
        return [ctx.event.name, ctx.event.data]

    @client.create_function(fn_id="parent", trigger=ON)
    def parent(ctx: inngest.ContextSync) -> Any:
        one = ctx.step.invoke("object", function=child, data={"n": 1}, timeout=datetime.timedelta(minutes=5))
        two = ctx.step.invoke_by_id("id", app_id="shop", function_id="child")
        return [one[1], two[1]]

    assert testing.run(parent).must_complete() == [{"n": 1}, {}]


def told(ctx: inngest.ContextSync, step_id: str, **options: Any) -> list[str]:
    """Invoke a function and return the name and the message of the error that it leads to."""
    with pytest.raises(inngest.StepError) as caught:
        ctx.step.invoke(step_id, **options)
    return [caught.value.name, caught.value.message]


def test_an_invoked_function_that_fails_or_is_late_raises_step_error(client: inngest.Client) -> None:
    @client.create_function(fn_id="broken", trigger=inngest.TriggerEvent(event="never"), retries=0)
    def broken(ctx: inngest.ContextSync) -> None:
        raise LookupError("no such order")

    @client.create_function(fn_id="slow", trigger=inngest.TriggerEvent(event="never"))
    def slow(ctx: inngest.ContextSync) -> None:
        ctx.step.sleep("long", datetime.timedelta(days=2))

    @client.create_function(fn_id="parent", trigger=ON, retries=0)
    def parent(ctx: inngest.ContextSync) -> Any:
        return [told(ctx, "a", function=broken), told(ctx, "b", function=slow, timeout=5000)[0]]

    assert testing.run(parent).must_complete() == [["LookupError", "no such order"], "InvokeTimeoutError"]


def test_a_function_that_is_not_there_raises_step_error(client: inngest.Client) -> None:
    @client.create_function(fn_id="parent", trigger=ON, retries=0)
    def parent(ctx: inngest.ContextSync) -> Any:
        try:
            return ctx.step.invoke_by_id("c", function_id="nowhere")
        except inngest.StepError as err:
            return [err.name, "shop-nowhere" in err.message]

    assert testing.run(parent).must_complete() == ["UnknownFunction", True]


def test_code_between_steps_may_change_the_order_of_steps(client: inngest.Client) -> None:
    passes = []

    @client.create_function(fn_id="shuffled", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> list[int]:
        passes.append(1)
        order = ["a", "b"] if len(passes) % 2 else ["b", "a"]
        found = {step_id: ctx.step.run(step_id, lambda step_id=step_id: ord(step_id)) for step_id in order}
        ctx.step.sleep("pause", 1000)
        return [found["a"], found["b"]]

    assert testing.run(fn).must_complete() == [97, 98]
    assert len(passes) == 2
