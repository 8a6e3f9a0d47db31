"""Errors as Inngest's SDK has them: retries, what is not retried, when to retry, and what a failure handler gets."""

import datetime
from typing import Any

import pytest

import jobs as inngest
from jobs import testing
from jobs.models import Run
from jobs.types import Status

ON = inngest.TriggerEvent(event="shop/order.placed")


class OutOfStockError(inngest.NonRetriableError):
    """An error of a product's own."""


def test_a_step_is_tried_again_and_the_attempt_is_counted(client: inngest.Client) -> None:
    attempts = []

    @client.create_function(fn_id="flaky", trigger=ON, retries=3)
    def fn(ctx: inngest.ContextSync) -> str:
        def work() -> str:
            attempts.append(ctx.attempt)
            if ctx.attempt < 2:
                raise RuntimeError("not yet")
            return "done"

        return ctx.step.run("work", work)

    assert testing.run(fn).must_complete() == "done"
    assert attempts == [0, 1, 2]


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (2, 3), (None, 5)])
def test_the_body_is_tried_once_more_than_retries_says(client: inngest.Client, retries: int | None, tries: int) -> None:
    attempts = []

    @client.create_function(fn_id="broken", trigger=ON, retries=retries)
    def fn(ctx: inngest.ContextSync) -> None:
        attempts.append(ctx.attempt)
        raise KeyError("order")

    result = testing.run(fn)
    assert attempts == list(range(tries))
    assert result.error is not None
    assert (result.error["name"], result.error["message"]) == ("KeyError", "'order'")


@pytest.mark.parametrize("kind", [inngest.NonRetriableError, OutOfStockError])
@pytest.mark.parametrize("in_step", [True, False])
def test_what_cannot_be_retried_fails_the_run_now(client: inngest.Client, kind: Any, in_step: bool) -> None:
    attempts = []

    @client.create_function(fn_id="final", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> None:
        def work() -> None:
            attempts.append(1)
            raise kind("sold out", quiet=True)

        if in_step:
            ctx.step.run("work", work)
        else:
            work()

    result = testing.run(fn)
    assert result.error is not None
    assert (result.error["name"], result.error["message"], attempts) == (kind.__name__, "sold out", [1])


LATER = datetime.timedelta(hours=2)


@pytest.mark.parametrize(
    "when",
    [
        lambda: LATER,
        lambda: int(LATER.total_seconds() * 1000),
        lambda: datetime.datetime.now(datetime.UTC) + LATER,
        lambda: datetime.datetime.now() + LATER,
    ],
    ids=["timedelta", "milliseconds", "aware", "naive"],
)
@pytest.mark.parametrize("in_step", [True, False])
def test_an_error_may_name_the_time_of_the_next_attempt(client: inngest.Client, when: Any, in_step: bool) -> None:
    @client.create_function(fn_id="later", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> str:
        def work() -> str:
            if ctx.attempt == 0:
                raise inngest.RetryAfterError("busy", when())
            return "done"

        return ctx.step.run("work", work) if in_step else work()

    result = testing.run(fn)
    assert result.must_complete() == "done"
    assert LATER <= result.took < LATER + datetime.timedelta(minutes=1)


def test_a_naive_time_is_in_the_sites_zone(client: inngest.Client, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    in_tokyo = datetime.timezone(datetime.timedelta(hours=9))
    test_an_error_may_name_the_time_of_the_next_attempt(
        client, lambda: datetime.datetime.now(in_tokyo).replace(tzinfo=None) + LATER, True
    )


def test_a_spent_step_is_caught_and_another_error_raised_in_its_place(client: inngest.Client) -> None:
    def work() -> None:
        raise ConnectionError("away")

    @client.create_function(fn_id="changed", trigger=ON, retries=0)
    def fn(ctx: inngest.ContextSync) -> None:
        try:
            ctx.step.run("work", work)
        except inngest.StepError as err:
            raise LookupError(f"{err.name} {err.message} {bool(err.stack)}") from err

    error = testing.run(fn).error
    assert error is not None
    assert (error["name"], error["message"]) == ("LookupError", "ConnectionError away True")


def test_a_spent_step_that_nobody_catches_fails_the_run_at_once(client: inngest.Client) -> None:
    passes = []

    @client.create_function(fn_id="spent", trigger=ON, retries=1)
    def fn(ctx: inngest.ContextSync) -> None:
        passes.append(1)
        ctx.step.run("work", lambda: 1 / 0)

    error = testing.run(fn).error
    assert error is not None
    assert error["name"] == "ZeroDivisionError"
    assert {"code", "name", "message", "stack"} <= set(error)
    assert len(passes) == 2


def test_nested_steps_are_refused_in_the_same_words(client: inngest.Client) -> None:
    after = []

    @client.create_function(fn_id="nested", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> None:
        def outer() -> None:
            try:
                ctx.step.run("inner", lambda: None)
            except Exception as err:
                after.append(err)

        ctx.step.run("outer", outer)
        after.append("went on")

    result = testing.run(fn)
    assert result.error is not None
    assert (result.error["code"], result.error["message"]) == ("step_nested", "Nested steps are not supported.")
    assert (after, list(result.run.journal.filter(attempts__isnull=False))) == ([], [])


def test_what_is_no_json_is_refused_in_the_same_words(client: inngest.Client) -> None:
    @client.create_function(fn_id="unserializable", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> Any:
        return ctx.step.run("a step", object)

    error = testing.run(fn).error
    assert error is not None
    assert error["code"] == "output_unserializable"
    assert error["message"].startswith('"a step" returned unserializable data')


def failure_told(client: inngest.Client, **options: Any) -> Run:
    """Run a function that fails and return the run of its failure handler."""
    return Run.objects.get(function="shop-import-failure", **options)


def test_a_failure_handler_gets_the_event_and_the_error(client: inngest.Client) -> None:
    def on_failure(ctx: inngest.ContextSync) -> Any:
        data = ctx.event.data
        told = [data["function_id"], data["run_id"], data["event"]["data"], len(data["events"])]
        return ctx.step.run("tell", lambda: [*told, data["error"]["name"], data["error"]["message"]])

    @client.create_function(fn_id="import", trigger=ON, retries=0, on_failure=on_failure)
    def fn(ctx: inngest.ContextSync) -> None:
        raise ValueError("no prices")

    result = testing.run(fn, data={"n": 1})
    assert result.status == Status.FAILED
    expected = ["shop-import", str(result.run.pk), {"n": 1}, 1, "ValueError", "no prices"]
    assert failure_told(client).output == expected
    assert fn.on_failure_fn_id == "shop-import-failure"


def test_an_async_failure_handler(client: inngest.Client) -> None:
    async def on_failure(ctx: inngest.Context) -> str:
        return ctx.event.data["error"]["message"]

    @client.create_function(fn_id="import", trigger=ON, retries=0, on_failure=on_failure)
    async def fn(ctx: inngest.Context) -> None:
        raise ValueError("no prices")

    testing.run(fn)
    assert failure_told(client).output == "no prices"
    assert fn.is_handler_async


def test_a_refused_event_raises_send_events_error(client: inngest.Client) -> None:
    with pytest.raises(inngest.SendEventsError) as caught:
        client.send_sync([inngest.Event(name="fine"), inngest.Event(name="inngest/reserved")])
    assert caught.value.ids == []
