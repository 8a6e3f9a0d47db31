"""The same shapes under a real worker: threads, event loops and commits instead of one thread and one transaction."""

import asyncio
import datetime
import functools
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import jobs as inngest
from jobs import testing
from jobs.testing import LiveWorker
from tests.compat.test_middleware import Sealing

ON = inngest.TriggerEvent(event="shop/order.placed")
PLACED = inngest.Event(name="shop/order.placed", data={"order": 7})


@pytest.fixture
def client(transactional_db: None) -> Iterator[inngest.Client]:
    """A client whose events are committed."""
    with testing.registry():
        yield inngest.Client(app_id="shop")


@pytest.fixture
def worker(client: inngest.Client) -> Iterator[LiveWorker]:
    """A worker for the test's own functions."""
    with testing.worker() as live:
        yield live


def ended(client: inngest.Client, worker: LiveWorker, event: inngest.Event = PLACED) -> Any:
    """Send an event and return what its run returned."""
    run = worker.wait_for(client.send_sync(event)[0])
    assert run.status == "COMPLETED", run.error
    return run.output


def test_a_group_of_steps_takes_as_long_as_one_of_them(client: inngest.Client, worker: LiveWorker) -> None:
    def nap(n: int) -> int:
        time.sleep(0.2)
        return n

    @client.create_function(fn_id="naps", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> Any:
        begun = time.monotonic()
        values = ctx.group.parallel([functools.partial(ctx.step.run, "nap", nap, n) for n in range(20)])
        assert time.monotonic() - begun < 2
        return values

    assert ended(client, worker) == list(range(20))


def test_an_async_group_with_plain_handlers(client: inngest.Client, worker: LiveWorker) -> None:
    async def nap(n: int) -> int:
        await asyncio.sleep(0.2)
        return n

    @client.create_function(fn_id="naps", trigger=ON)
    async def fn(ctx: inngest.Context) -> Any:
        begun = time.monotonic()
        soon = await ctx.group.parallel([functools.partial(ctx.step.run, f"nap-{n}", nap, n) for n in range(20)])
        here = threading.get_ident()
        elsewhere = await ctx.step.run("plain", lambda: threading.get_ident() != here)
        assert time.monotonic() - begun < 2
        return [list(soon), elsewhere]

    assert ended(client, worker) == [list(range(20)), True]


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_race_ends_with_the_first(client: inngest.Client, worker: LiveWorker, kind: str) -> None:
    def race(ctx: inngest.ContextSync) -> Any:
        def slow() -> str:
            ctx.step.sleep("slow", datetime.timedelta(days=1))
            return "slow"

        fast = functools.partial(ctx.step.run, "fast", lambda: "fast")
        return ctx.group.parallel((slow, fast), parallel_mode=inngest.ParallelMode.RACE)

    async def race_soon(ctx: inngest.Context) -> Any:
        async def slow() -> str:
            await ctx.step.sleep("slow", datetime.timedelta(days=1))
            return "slow"

        fast = functools.partial(ctx.step.run, "fast", lambda: "fast")
        return await ctx.group.parallel((slow, fast), parallel_mode=inngest.ParallelMode.RACE)

    client.create_function(fn_id="race", trigger=ON)(race if kind == "plain" else race_soon)
    assert ended(client, worker) == [None, "fast"]


def test_waits_invocations_and_sends(client: inngest.Client, worker: LiveWorker) -> None:
    @client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event="never"))
    async def child(ctx: inngest.Context) -> int:
        return ctx.event.data["n"] * 2

    @client.create_function(fn_id="parent", trigger=ON)
    async def fn(ctx: inngest.Context) -> Any:
        doubled = await ctx.step.invoke("child", function=child, data={"n": 4})
        await ctx.step.send_event("ask", inngest.Event(name="shop/asked", data=ctx.event.data))
        answer = await ctx.step.wait_for_event(
            "answer", event="shop/answered", if_exp="event.data.order == async.data.order", timeout=10_000
        )
        return [doubled, answer.data["by"] if answer else None]

    @client.create_function(fn_id="answers", trigger=inngest.TriggerEvent(event="shop/asked"))
    def answers(ctx: inngest.ContextSync) -> None:
        ctx.step.sleep("think", 300)
        client.send_sync(inngest.Event(name="shop/answered", data={**ctx.event.data, "by": "Ada"}))

    assert ended(client, worker) == [8, "Ada"]


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_sealing_middleware_in_a_group(client: inngest.Client, worker: LiveWorker, kind: str) -> None:
    client.add_middleware(Sealing)

    @client.create_function(fn_id="plain", trigger=inngest.TriggerEvent(event="shop/plain"))
    def plain(ctx: inngest.ContextSync) -> Any:
        both = ctx.group.parallel([lambda n=n: ctx.step.run(f"n{n}", lambda: n) for n in range(5)])
        ctx.step.sleep("pause", 10)
        return [ctx.event.data["order"], *both]

    @client.create_function(fn_id="async", trigger=inngest.TriggerEvent(event="shop/async"))
    async def coroutine(ctx: inngest.Context) -> Any:
        both = await ctx.group.parallel([lambda n=n: ctx.step.run(f"n{n}", lambda: n) for n in range(5)])
        await ctx.step.sleep("pause", 10)
        return [ctx.event.data["order"], *both]

    output = ended(client, worker, inngest.Event(name=f"shop/{kind}", data={"order": 7}))
    assert output == {"sealed": [[7, 0, 1, 2, 3, 4]]}


def test_async_middleware_around_a_plain_function(client: inngest.Client, worker: LiveWorker) -> None:
    class Upper(inngest.Middleware):
        async def transform_output(self, result: inngest.TransformOutputResult) -> None:
            await asyncio.sleep(0)
            result.output = f"{result.output}!"

    @client.create_function(fn_id="loud", trigger=ON, middleware=[Upper])
    def fn(ctx: inngest.ContextSync) -> str:
        return ctx.step.run("loud", lambda: "loud")

    assert ended(client, worker) == "loud!!"


def test_a_step_that_takes_too_long_and_one_with_retries_of_its_own(client: inngest.Client, worker: LiveWorker) -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise ValueError("no")

    @client.create_function(fn_id="slow", trigger=ON, backoff=[0])
    async def fn(ctx: inngest.Context) -> Any:
        said = []
        try:
            await ctx.step.run("slow", asyncio.sleep, 5, retries=0, timeout=100)
        except inngest.StepError as err:
            said.append(err.name)
        try:
            await ctx.step.run("fails", fail, retries=2)
        except inngest.StepError as err:
            said.append(err.name)
        return said

    assert ended(client, worker) == ["StepTimeout", "ValueError"]
    assert len(calls) == 3
