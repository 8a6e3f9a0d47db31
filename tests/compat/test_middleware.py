"""Middleware as Inngest's documentation has it: on the client and on functions, its order, and what it may replace."""

import contextlib
from typing import Any

import pytest

import jobs as inngest
from jobs import testing

ON = inngest.TriggerEvent(event="shop/order.placed")


class Noting(inngest.MiddlewareSync):
    """Notes each hook under its name."""

    name = ""
    calls: list[str]

    def __init__(self, client: inngest.Client, raw_request: object) -> None:
        super().__init__(client, raw_request)
        self.calls.append(f"{self.name} made")

    def transform_input(
        self, ctx: inngest.Context | inngest.ContextSync, function: inngest.Function[Any], steps: inngest.StepMemos
    ) -> None:
        self.calls.append(f"{self.name} transform_input {function.local_id}")

    def before_execution(self) -> None:
        self.calls.append(f"{self.name} before_execution")

    def after_execution(self) -> None:
        self.calls.append(f"{self.name} after_execution")

    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        self.calls.append(f"{self.name} transform_output {result.step.id if result.step else 'function'}")

    def before_response(self) -> None:
        self.calls.append(f"{self.name} before_response")

    def before_send_events(self, events: list[inngest.Event]) -> None:
        self.calls.append(f"{self.name} before_send_events {len(events)}")

    def after_send_events(self, result: inngest.SendEventsResult) -> None:
        self.calls.append(f"{self.name} after_send_events {len(result.ids)}")


def noting(name: str, calls: list[str]) -> type[Noting]:
    """Return middleware that notes its hooks in this list."""
    return type("NotingFor", (Noting,), {"name": name, "calls": calls})


def test_hooks_before_run_forwards_and_hooks_after_backwards(client: inngest.Client) -> None:
    calls: list[str] = []
    client.add_middleware(noting("client", calls))

    @client.create_function(fn_id="hooked", trigger=ON, middleware=[noting("function", calls)])
    def fn(ctx: inngest.ContextSync) -> str:
        calls.append("body")
        return "done"

    assert testing.run(fn).must_complete() == "done"
    assert calls == [
        "client made",
        "function made",
        "client transform_input hooked",
        "function transform_input hooked",
        "client before_execution",
        "function before_execution",
        "body",
        "function after_execution",
        "client after_execution",
        "function transform_output function",
        "client transform_output function",
        "client before_response",
        "function before_response",
    ]


def test_sending_has_hooks_of_the_client_and_in_a_step_of_the_function_too(client: inngest.Client) -> None:
    calls: list[str] = []
    client.add_middleware(noting("client", calls))

    @client.create_function(fn_id="sends", trigger=ON, middleware=[noting("function", calls)])
    def fn(ctx: inngest.ContextSync) -> None:
        ctx.step.send_event("send", [inngest.Event(name="shop/told"), inngest.Event(name="shop/told")])

    testing.run(fn).must_complete()
    sends = [call for call in calls if "send_events" in call]
    before = ["client before_send_events 2", "function before_send_events 2"]
    assert sends == [*before, "function after_send_events 2", "client after_send_events 2"]
    calls.clear()
    client.send_sync(inngest.Event(name="shop/told"))
    assert calls == ["client made", "client before_send_events 1", "client after_send_events 1"]
    calls.clear()
    client.send_sync(inngest.Event(name="shop/told"), skip_middleware=True)
    assert calls == []


def test_input_and_output_are_replaced(client: inngest.Client) -> None:
    class Doubling(inngest.MiddlewareSync):
        def transform_input(self, ctx: Any, function: Any, steps: inngest.StepMemos) -> None:
            ctx.event.data = {**ctx.event.data, "n": ctx.event.data["n"] * 2}

        def transform_output(self, result: inngest.TransformOutputResult) -> None:
            if result.has_output() and result.step is None:
                result.output = {"wrapped": result.output}

    @client.create_function(fn_id="doubled", trigger=ON, middleware=[Doubling])
    def fn(ctx: inngest.ContextSync) -> int:
        first = ctx.step.run("first", lambda: ctx.event.data["n"])
        ctx.step.sleep("pause", 1000)
        return first + ctx.event.data["n"]

    assert testing.run(fn, data={"n": 2}).must_complete() == {"wrapped": 8}


class Sealing(inngest.MiddlewareSync):
    """Keeps outputs and events sealed outside of functions, as encryption does."""

    def transform_input(self, ctx: Any, function: Any, steps: inngest.StepMemos) -> None:
        ctx.event.data = self._open(ctx.event.data)
        for memo in steps.values():
            memo.data = self._open(memo.data)

    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        if result.has_output():
            result.output = self._seal(result.output)

    def before_send_events(self, events: list[inngest.Event]) -> None:
        for event in events:
            event.data = self._seal(event.data)

    def _seal(self, value: Any) -> Any:
        return {"sealed": [value]}

    def _open(self, value: Any) -> Any:
        return value["sealed"][0] if isinstance(value, dict) and "sealed" in value else value


def test_middleware_may_seal_what_is_stored_and_open_it_for_the_body(client: inngest.Client) -> None:
    client.add_middleware(Sealing)
    seen = []

    @client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event="never"))
    def child(ctx: inngest.ContextSync) -> str:
        return "from the child"

    @client.create_function(fn_id="sealed", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> Any:
        one = ctx.step.run("one", lambda: ctx.event.data["secret"])
        seen.append(one)
        ctx.step.sleep("pause", 1000)
        return [one, ctx.step.run("two", lambda: "two"), ctx.step.invoke("child", function=child)]

    client.send_sync(inngest.Event(name="shop/order.placed", data={"secret": "s3"}))
    [sent] = testing.sent("shop/order.placed")
    assert sent.data == {"sealed": [{"secret": "s3"}]}
    result = testing.run(fn, inngest.Event(name="shop/order.placed", data=sent.data))
    assert result.must_complete() == {"sealed": [["s3", "two", "from the child"]]}
    assert set(seen) == {"s3"}
    assert result.steps["one"] == {"sealed": ["s3"]}


def test_an_async_function_has_async_middleware(client: inngest.Client) -> None:
    calls: list[str] = []

    class Upper(inngest.Middleware):
        async def before_execution(self) -> None:
            calls.append("before")

        async def transform_output(self, result: inngest.TransformOutputResult) -> None:
            if isinstance(result.output, str):
                result.output = result.output.upper()

    @client.create_function(fn_id="async", trigger=ON, middleware=[Upper, noting("sync", calls)])
    async def fn(ctx: inngest.Context) -> str:
        return await ctx.step.run("loud", lambda: "loud")

    assert testing.run(fn).must_complete() == "LOUD"
    assert calls[:4] == ["sync made", "sync transform_input async", "before", "sync before_execution"]


def test_errors_of_steps_and_functions_can_be_replaced(client: inngest.Client) -> None:
    seen: list[tuple[str, str]] = []

    class Naming(inngest.MiddlewareSync):
        def transform_output(self, result: inngest.TransformOutputResult) -> None:
            if result.error is not None:
                seen.append((result.step.id if result.step else "function", str(result.error)))
                result.error = LookupError(f"named: {result.error}")

    @client.create_function(fn_id="failing", trigger=ON, retries=0, middleware=[Naming])
    def fn(ctx: inngest.ContextSync) -> None:
        try:
            ctx.step.run("bad", lambda: [][0])
        except inngest.StepError as err:
            raise ValueError(err.message) from None

    error = testing.run(fn).error
    assert error is not None
    assert (error["name"], error["message"]) == ("LookupError", "named: named: list index out of range")
    assert [where for where, _ in seen] == ["bad", "function"]


@pytest.mark.parametrize("hook", ["transform_input", "before_execution", "before_response"])
def test_an_error_in_a_hook_fails_the_attempt(client: inngest.Client, hook: str) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("broken hook")

    kind = type("Broken", (inngest.MiddlewareSync,), {hook: broken})

    @client.create_function(fn_id="broken", trigger=ON, retries=0, middleware=[kind])
    def fn(ctx: inngest.ContextSync) -> str:
        return "done"

    error = testing.run(fn).error
    assert error is not None
    assert error["message"] == "broken hook"


def test_middleware_may_come_from_a_factory(client: inngest.Client) -> None:
    class Adding(inngest.MiddlewareSync):
        def __init__(self, client: inngest.Client, raw_request: object, n: int) -> None:
            super().__init__(client, raw_request)
            self.n = n

        def transform_output(self, result: inngest.TransformOutputResult) -> None:
            if result.step is None and isinstance(result.output, int):
                result.output += self.n

    @client.create_function(fn_id="made", trigger=ON, middleware=[lambda client, raw: Adding(client, raw, 5)])
    def fn(ctx: inngest.ContextSync) -> int:
        return 1

    assert testing.run(fn).must_complete() == 6


def test_the_memos_are_the_finished_steps(client: inngest.Client) -> None:
    seen: list[tuple[int, list[Any]]] = []

    class Looking(inngest.MiddlewareSync):
        def transform_input(self, ctx: Any, function: Any, steps: inngest.StepMemos) -> None:
            errors = [memo.error.name if memo.error else memo.data for memo in steps.values()]
            seen.append((steps.size, errors))

    @client.create_function(fn_id="looked-at", trigger=ON, retries=0, middleware=[Looking])
    def fn(ctx: inngest.ContextSync) -> None:
        ctx.group.parallel((lambda: ctx.step.run("a", lambda: 1),), parallel_mode=inngest.ParallelMode.RACE)
        with contextlib.suppress(inngest.StepError):
            ctx.step.run("b", lambda: 1 / 0)
        ctx.step.sleep("pause", 1000)

    testing.run(fn).must_complete()
    assert seen[0] == (0, [])
    assert seen[-1] == (3, [1, "ZeroDivisionError", None])


def test_a_failure_handler_has_the_middleware_of_its_function(client: inngest.Client) -> None:
    calls: list[str] = []

    def on_failure(ctx: inngest.ContextSync) -> None:
        calls.append("handler")

    kinds = [noting("function", calls)]

    @client.create_function(fn_id="failing", trigger=ON, retries=0, on_failure=on_failure, middleware=kinds)
    def fn(ctx: inngest.ContextSync) -> None:
        raise ValueError("no")

    testing.run(fn)
    assert calls[calls.index("handler") - 2 :][:2] == [
        "function transform_input failing-failure",
        "function before_execution",
    ]
