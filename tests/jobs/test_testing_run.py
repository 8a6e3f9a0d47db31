"""jobs.testing.run: one function in one line, with stubs for its steps and time that passes by itself."""

from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

import jobs
from jobs import clock, testing
from jobs.models import Run
from jobs.types import Status
from tests.jobs.conftest import Engine

DAY = timedelta(days=1)


def real(*args: Any) -> str:
    raise AssertionError(f"the real handler was called with {args}")


def shop(ctx: jobs.ContextSync) -> dict[str, Any]:
    charge = ctx.step.run("charge", real, ctx.event.data["order"], 1250)
    ctx.step.sleep("a-while", timedelta(days=3))
    ctx.step.send_event("tell", jobs.Event(name="order/charged", data={"order": ctx.event.data["order"], "by": charge}))
    ctx.logger.info("charged %s", charge)
    return {"charge": charge}


def test_a_run_is_carried_past_its_sleeps_to_its_end(engine: Engine) -> None:
    result = testing.run(engine.define(shop), data={"order": 7}, steps={"charge": "ch-1"})
    assert (result.status, result.output, result.error) == ("COMPLETED", {"charge": "ch-1"}, None)
    assert list(result.steps) == ["charge", "a-while", "tell"]
    assert [(event.name, event.data) for event in result.sent] == [("order/charged", {"order": 7, "by": "ch-1"})]
    assert result.logs == ["charged ch-1"]
    assert timedelta(days=3) <= result.took < timedelta(days=3, minutes=1)


def test_the_clock_is_where_it_was_afterwards(engine: Engine) -> None:
    before = clock.now()
    testing.run(engine.define(shop), data={"order": 7}, steps={"charge": "ch-1"})
    assert clock.now() - before < timedelta(minutes=1)


def test_a_callable_gets_the_handlers_arguments(engine: Engine) -> None:
    charge = Mock(return_value="ch-2")
    assert testing.run(engine.define(shop), data={"order": 7}, steps={"charge": charge}).must_complete()
    charge.assert_called_once_with(7, 1250)


def test_a_mock_may_fail_before_it_answers(engine: Engine) -> None:
    charge = Mock(side_effect=[ConnectionError("away"), "ch-3"])
    result = testing.run(engine.define(shop), data={"order": 7}, steps={"charge": charge})
    assert result.steps["charge"] == "ch-3"
    assert charge.call_count == 2


@pytest.mark.parametrize("stub", [ConnectionError("away"), ConnectionError])
def test_an_exception_is_raised_as_often_as_the_step_is_tried(engine: Engine, stub: Any) -> None:
    result = testing.run(engine.define(shop, retries=2), data={"order": 7}, steps={"charge": stub})
    assert result.status == Status.FAILED
    assert result.error is not None
    assert (result.error["name"], result.error["step"]) == ("ConnectionError", "charge")
    assert len(result.run.journal.get().attempts) == 3
    assert result.steps == {"charge": None}
    with pytest.raises(AssertionError, match=r"is failed\. ConnectionError"):
        result.must_complete()


def test_every_repeat_of_an_id_is_answered(engine: Engine) -> None:
    function = engine.define(lambda ctx: [ctx.step.run("line", real, n) for n in range(3)])
    result = testing.run(function, steps={"line": lambda n: n * 10})
    assert result.steps == {"line": 0, "line:1": 10, "line:2": 20}


def approval(ctx: jobs.ContextSync) -> Any:
    event = ctx.step.wait_for_event("approved", event="order/approved", timeout=DAY)
    signal = ctx.step.wait_for_signal("go", "go-7", timeout=DAY)
    return [None if event is None else event.data, signal]


def test_waits_are_answered_or_run_into_their_timeout(engine: Engine) -> None:
    function = engine.define(approval)
    answered = {"approved": jobs.Event(name="order/approved", data={"by": "Ada"}), "go": {"at": 9}}
    result = testing.run(function, steps=answered)
    assert result.output == [{"by": "Ada"}, {"at": 9}]
    assert result.took < DAY
    assert testing.run(function, steps={"approved": testing.Timeout, "go": testing.Timeout}).output == [None, None]
    assert testing.run(function).took >= 2 * DAY


def test_time_stops_where_a_test_wants_to_speak(engine: Engine) -> None:
    function = engine.define(approval)
    result = testing.run(function, until=timedelta(0))
    assert result.status == Status.WAITING
    result = result.send(jobs.Event(name="order/approved", data={"by": "Eve"}))
    assert (result.status, list(result.steps)) == (Status.WAITING, ["approved"])
    result = result.after(timedelta(hours=23))
    assert result.status == Status.WAITING
    result = result.signal("go-7", "now")
    assert result.output == [{"by": "Eve"}, "now"]
    assert result.sent == []


def test_time_passes_in_portions(engine: Engine) -> None:
    function = engine.define(lambda ctx: ctx.step.sleep("long", timedelta(days=11)))
    result = testing.run(function, until=timedelta(days=3))
    assert (result.status, result.took >= timedelta(days=3)) == (Status.SLEEPING, True)
    assert result.after(timedelta(days=7)).status == Status.SLEEPING
    assert result.after(timedelta(days=8)).status == Status.COMPLETED
    assert testing.run(function, until=clock.now() + DAY).to_its_end().status == Status.COMPLETED


def test_an_invocation_runs_the_child_or_is_answered(engine: Engine) -> None:
    child = engine.define(lambda ctx: ctx.event.data["n"] + 1, on="child/only", fn_id="child")
    function = engine.define(lambda ctx: ctx.step.invoke("ask", function=child, data={"n": 1}))
    assert testing.run(function).output == 2
    assert testing.run(function, steps={"ask": 40}).output == 40
    late = testing.run(function, steps={"ask": testing.Timeout})
    assert late.error is not None
    assert late.error["name"] == "InvokeTimeoutError"
    failed = testing.run(function, steps={"ask": ValueError("no")})
    assert failed.error is not None
    assert (failed.error["name"], failed.error["message"]) == ("ValueError", "no")


def test_async_functions_and_transactions_are_stubbed_alike(engine: Engine) -> None:
    async def body(ctx: jobs.Context) -> Any:
        return [await ctx.step.run("a", real), await ctx.step.transaction("b", real), await ctx.step.run("c", real)]

    async def late() -> str:
        return "c"

    result = testing.run(engine.define(body), steps={"a": "a", "b": lambda: "b", "c": late})  # type: ignore[arg-type]
    assert result.output == ["a", "b", "c"]


def test_what_starts_a_run_may_be_an_event_or_a_batch_of_them(engine: Engine) -> None:
    function = engine.define(lambda ctx: [event.data["n"] for event in ctx.events], batch_events=jobs.Batch(max_size=9))
    events = [jobs.Event(name="test/event", data={"n": n}) for n in range(3)]
    assert testing.run(function, events).output == [0, 1, 2]
    assert testing.run(function, events[0]).output == [0]
    with pytest.raises(TypeError, match="not both"):
        testing.run(function, events[0], data={"n": 1})


def test_without_an_event_it_is_the_first_of_the_triggers(engine: Engine) -> None:
    on_cron = engine.define(
        lambda ctx: [ctx.event.name, ctx.event.data["cron"]], on=[jobs.TriggerCron(cron="0 9 * * *")]
    )
    assert testing.run(on_cron).output == ["jobs/scheduled.timer", "0 9 * * *"]
    wildcard = engine.define(lambda ctx: ctx.event.name, on="user/*", fn_id="wildcard")
    assert testing.run(wildcard).output == "user/test"


def test_a_function_from_outside_of_the_isolated_registry_is_run_as_well(engine: Engine) -> None:
    function = engine.define(lambda ctx: "here")
    with testing.registry() as registry:
        assert testing.run(function).output == "here"
        assert registry.all() == [function]


def test_a_run_that_nothing_can_wake_is_handed_back_as_it_is(engine: Engine) -> None:
    gone = engine.define(lambda ctx: None, fn_id="gone")
    engine.begin_anew()
    function = engine.define(lambda ctx: ctx.step.invoke("ask", function=gone))
    assert testing.run(function).status == Status.WAITING
    late = engine.define(lambda ctx: ctx.step.invoke("ask", function=gone, timeout=DAY), fn_id="late")
    assert testing.run(late).took >= DAY


def test_a_throttled_run_waits_for_its_turn(engine: Engine) -> None:
    function = engine.define(lambda ctx: "done", throttle=jobs.Throttle(limit=1, period=timedelta(minutes=1)))
    assert testing.run(function).took < timedelta(seconds=30)
    assert testing.run(function).must_complete() == "done"


def test_a_run_that_is_cancelled_in_time_has_ended(engine: Engine) -> None:
    function = engine.define(
        lambda ctx: ctx.step.sleep("long", timedelta(days=9)), timeouts=jobs.Timeouts(finish=timedelta(days=2))
    )
    result = testing.run(function)
    assert result.status == Status.CANCELLED
    assert timedelta(days=2) <= result.took < timedelta(days=3)
    assert Run.objects.get().pk == result.run.pk


def test_wrong_stubs_are_told_in_words(engine: Engine) -> None:
    function = engine.define(shop, retries=0)
    result = testing.run(function, data={"order": 7}, steps={"charge": testing.Timeout})
    assert result.error is not None
    assert '"charge" waits for nothing' in result.error["message"]
    waiting = engine.define(approval, retries=0, fn_id="waiting")
    result = testing.run(waiting, steps={"approved": {"by": "Ada"}})
    assert result.error is not None
    assert "answer it with a jobs.Event" in result.error["message"]


def test_a_mistyped_stub_is_an_error_that_names_the_steps(db: None) -> None:
    with testing.registry():

        @jobs.create_function(fn_id="work", trigger=jobs.TriggerEvent(event="test/event"))
        def work(ctx: jobs.ContextSync) -> int:
            return ctx.step.run("fetch-page", lambda: 1)

        with pytest.raises(AssertionError, match=r"'fetch-pages'.*\['fetch-page'\].*did you mean 'fetch-page'"):
            testing.run(work, steps={"fetch-pages": 2})
        assert testing.run(work, steps={"fetch-page": 2}).output == 2
