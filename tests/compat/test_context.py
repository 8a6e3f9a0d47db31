"""What the context holds, what events look like when they are read back, and where a function's lines go."""

import functools
import logging
from typing import Any

import pytest

import jobs as inngest
from jobs import testing

ON = inngest.TriggerEvent(event="shop/order.placed")


def test_the_attributes_of_a_context(client: inngest.Client) -> None:
    seen: list[Any] = []

    @client.create_function(fn_id="look", trigger=ON)
    def plain(ctx: inngest.ContextSync) -> None:
        kinds = {"event": inngest.Event, "events": list, "run_id": str, "attempt": int, "step": inngest.StepSync}
        seen.extend(name for name, kind in kinds.items() if not isinstance(getattr(ctx, name), kind))
        assert isinstance(ctx.group, inngest.GroupSync)
        assert (ctx.job_id, ctx.request_id, ctx.attempt) == (None, None, 0)

    @client.create_function(fn_id="look-async", trigger=ON)
    async def coroutine(ctx: inngest.Context) -> None:
        assert isinstance(ctx.step, inngest.Step)
        assert isinstance(ctx.group, inngest.Group)

    testing.run(plain).must_complete()
    testing.run(coroutine).must_complete()
    assert seen == []


def test_an_event_is_read_back_as_it_was_sent(client: inngest.Client) -> None:
    event = inngest.Event(name="shop/order.placed", data={"n": [1, {"a": None}]}, id="order-7", ts=1_700_000_000_000)

    @client.create_function(fn_id="echo", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> list[bool]:
        return [ctx.event == event, ctx.events == [event]]

    client.send_sync(event)
    testing.drain()
    from jobs.models import Run

    assert Run.objects.get().output == [True, True]


def test_an_event_without_id_and_time_gets_both(client: inngest.Client) -> None:
    @client.create_function(fn_id="stamped", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> list[bool]:
        return [len(ctx.event.id) > 10, ctx.event.ts > 1_700_000_000_000]

    assert testing.run(fn).must_complete() == [True, True]
    assert inngest.Event(name="a", data=None).data == {}  # type: ignore[arg-type]


def test_lines_come_once_and_go_to_the_clients_logger(client: inngest.Client, caplog: pytest.LogCaptureFixture) -> None:
    client.set_logger(logging.getLogger("shop"))

    @client.create_function(fn_id="logs", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> None:
        ctx.logger.info("before %s", "pause")
        ctx.step.run("work", lambda: ctx.logger.warning("in the step"))
        ctx.step.sleep("pause", 1000)
        ctx.logger.error("after", extra={"order": 7})
        ctx.logger.fatal("the last")

    with caplog.at_level(logging.INFO, logger="shop"):
        result = testing.run(fn)
    assert result.logs == ["before pause", "in the step", "after", "the last"]
    assert [record.getMessage() for record in caplog.records if record.name == "shop"] == result.logs


class Greeter:
    """A handler that is an object."""

    def __call__(self, ctx: inngest.ContextSync) -> str:
        """Greet by an object."""
        return "hello"

    def method(self, ctx: inngest.ContextSync) -> str:
        """Greet by a method."""
        return "hello"


def greet(greeting: str, ctx: inngest.ContextSync) -> str:
    """Greet by a partial."""
    return greeting


async def greet_soon(greeting: str, ctx: inngest.Context) -> str:
    """Greet by a partial."""
    return greeting


@pytest.mark.parametrize(
    ("handler", "by"),
    [
        (Greeter(), "object"),
        (Greeter().method, "method"),
        (functools.partial(greet, "hello"), "partial"),
        (functools.partial(greet_soon, "hello"), "partial"),
    ],
)
def test_a_handler_may_be_whatever_can_be_called(client: inngest.Client, handler: Any, by: str) -> None:
    for _ in range(2):  # as when a module is imported again
        function = client.create_function(fn_id="greets", trigger=ON)(handler)
    assert testing.run(function).must_complete() == "hello"
    assert function.description == f"Greet by a{'n' if by == 'object' else ''} {by}."
    assert function.source.startswith("tests.compat.test_context:")
