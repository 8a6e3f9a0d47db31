"""group.parallel as Inngest's documentation shows it: lambdas, comprehensions, branches of several steps, modes."""

import datetime
import functools
from typing import Any

import jobs as inngest
from jobs import testing

ON = inngest.TriggerEvent(event="shop/order.placed")


def test_lambdas_of_different_kinds_give_a_tuple_in_their_order(client: inngest.Client) -> None:
    @client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event="never"))
    def child(ctx: inngest.ContextSync) -> str:
        return "child"

    @client.create_function(fn_id="group", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> Any:
        results = ctx.group.parallel(
            (
                lambda: ctx.step.invoke("invoke", function=child),
                lambda: ctx.step.run("run", lambda: 1),
                lambda: ctx.step.send_event("send", inngest.Event(name="shop/told")),
                lambda: ctx.step.wait_for_event("wait", event="shop/never", timeout=1000),
                lambda: ctx.step.sleep("sleep", 500),
            )
        )
        assert isinstance(results, tuple)
        return [results[0], results[1], len(results[2]), results[3], results[4]]

    assert testing.run(fn).must_complete() == ["child", 1, 1, None, None]


def test_steps_from_a_loop_of_partials_and_of_lambdas_with_defaults(client: inngest.Client) -> None:
    def square(n: int) -> int:
        return n * n

    @client.create_function(fn_id="loops", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> Any:
        partials = tuple(functools.partial(ctx.step.run, f"square-{n}", square, n) for n in range(4))
        lambdas = tuple(lambda n=n: ctx.step.run("same", square, n) for n in range(3))
        as_list = [lambda: ctx.step.run("listed", square, 9)]
        nothing: tuple[Any, ...] = ctx.group.parallel(())
        return [ctx.group.parallel(partials), ctx.group.parallel(lambdas), ctx.group.parallel(as_list), nothing]

    assert testing.run(fn).must_complete() == [[0, 1, 4, 9], [0, 1, 4], [81], []]


def test_async_groups(client: inngest.Client) -> None:
    async def square(n: int) -> int:
        return n * n

    @client.create_function(fn_id="async-group", trigger=ON)
    async def fn(ctx: inngest.Context) -> Any:
        pair = await ctx.group.parallel(
            (lambda: ctx.step.run("a", square, 2), lambda: ctx.step.run("b", lambda: "sync"))
        )
        many = await ctx.group.parallel(
            tuple(functools.partial(ctx.step.run, f"square-{n}", square, n) for n in range(3))
        )
        return [pair, many]

    assert testing.run(fn).must_complete() == [[4, "sync"], [0, 1, 4]]


def test_branches_of_several_steps_and_groups_in_groups(client: inngest.Client) -> None:
    @client.create_function(fn_id="branches", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> Any:
        def branch(name: str) -> str:
            first = ctx.step.run(f"{name}-1", lambda: name)
            ctx.step.sleep(f"{name}-pause", datetime.timedelta(seconds=1))
            return ctx.step.run(f"{name}-2", lambda: f"{first}{first}")

        def nested() -> tuple[int, ...]:
            return ctx.group.parallel((lambda: ctx.step.run("x", lambda: 1), lambda: ctx.step.run("y", lambda: 2)))

        return ctx.group.parallel((lambda: branch("a"), lambda: branch("b"), nested))

    assert testing.run(fn).must_complete() == ["aa", "bb", [1, 2]]


def test_an_error_of_a_branch_is_met_around_the_group_or_in_the_branch(client: inngest.Client) -> None:
    def fail() -> str:
        raise ValueError("not this one")

    @client.create_function(fn_id="caught", trigger=ON, retries=0)
    def fn(ctx: inngest.ContextSync) -> Any:
        def careful() -> str:
            try:
                return ctx.step.run("careful", fail)
            except inngest.StepError as err:
                return err.name

        inside = ctx.group.parallel((careful, lambda: ctx.step.run("fine", lambda: "fine")))
        try:
            ctx.group.parallel((lambda: ctx.step.run("bad", fail), lambda: ctx.step.run("good", lambda: 1)))
        except inngest.StepError as err:
            return [inside, err.message]

    assert testing.run(fn).must_complete() == [["ValueError", "fine"], "not this one"]


def test_a_race_has_a_value_at_the_winners_place_only(client: inngest.Client) -> None:
    @client.create_function(fn_id="race", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> Any:
        def slow() -> str:
            ctx.step.sleep("slow", datetime.timedelta(days=1))
            return ctx.step.run("too-late", lambda: "slow")

        return ctx.group.parallel(
            (slow, lambda: ctx.step.run("fast", lambda: "fast")), parallel_mode=inngest.ParallelMode.RACE
        )

    result = testing.run(fn)
    assert result.must_complete() == [None, "fast"]
    assert result.took < datetime.timedelta(hours=1)


def test_an_async_race(client: inngest.Client) -> None:
    @client.create_function(fn_id="async-race", trigger=ON)
    async def fn(ctx: inngest.Context) -> Any:
        async def wait() -> Any:
            return await ctx.step.wait_for_event("wait", event="shop/never", timeout=datetime.timedelta(days=1))

        async def sleep() -> str:
            await ctx.step.sleep("short", datetime.timedelta(minutes=1))
            return "slept"

        return await ctx.group.parallel((wait, sleep), parallel_mode=inngest.ParallelMode.RACE)

    result = testing.run(fn)
    assert result.must_complete() == [None, "slept"]
    assert result.took < datetime.timedelta(hours=1)
