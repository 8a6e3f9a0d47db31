"""on_failure: once for each failed run, in a run of its own that knows what failed."""

from typing import Any

import pytest

import jobs
from jobs import actions, testing
from jobs.models import Event, Run
from jobs.types import Source, Status
from tests.jobs.conftest import Engine


def refuse(ctx: jobs.ContextSync) -> None:
    raise jobs.NonRetriableError("broken")


def handled(engine: Engine, body: Any = refuse, **options: Any) -> list[jobs.Event]:
    """Execute a function whose failures are handled and return the events its handler got."""
    seen: list[jobs.Event] = []
    engine.execute(body, {"thing": 7}, on_failure=lambda ctx: seen.append(ctx.event), **options)
    return seen


def test_a_failed_run_starts_its_handler_once(engine: Engine) -> None:
    [event] = handled(engine)
    failed = Run.objects.get(function="stepwell-work")
    assert (event.name, event.data["function_id"]) == ("jobs/function.failed", "stepwell-work")
    assert event.data["run_id"] == str(failed.pk)
    assert event.data["error"] == failed.error
    assert (event.data["event"]["name"], event.data["event"]["data"]) == ("test/event", {"thing": 7})
    assert event.data["events"] == [event.data["event"]]
    testing.drain()
    assert Run.objects.filter(function="stepwell-work-failure").count() == 1


def test_the_handlers_run_is_about_the_same_subject(engine: Engine) -> None:
    handled(engine, subject="shop.order/{thing}")
    assert set(Run.objects.values_list("function", "subject")) == {
        ("stepwell-work", "shop.order/7"),
        ("stepwell-work-failure", "shop.order/7"),
    }


@pytest.mark.parametrize(
    "body",
    [
        lambda ctx: ctx.step.run("s", refuse, ctx),
        lambda ctx: ctx.step.run("s", lambda: 1 / 0),
        lambda ctx: 1 / 0,
        lambda ctx: b"bytes",
    ],
    ids=["non_retriable", "spent_step", "spent_body", "unserializable"],
)
def test_every_way_to_fail_is_handled(engine: Engine, body: Any) -> None:
    assert len(handled(engine, body, retries=0)) == 1


def test_success_and_retries_are_not_failures(engine: Engine) -> None:
    assert handled(engine, lambda ctx: "done") == []
    engine.begin_anew()
    Run.objects.all().delete()
    assert handled(engine, lambda ctx: 1 / 0) == []


def test_a_cancelled_run_is_no_failed_run(engine: Engine) -> None:
    seen: list[Any] = []
    run = engine.start(lambda ctx: None, on_failure=lambda ctx: seen.append(ctx.event))
    actions.cancel(run, by="ada")
    testing.drain()
    assert (seen, Run.objects.count()) == ([], 1)


def test_a_handler_has_steps_and_attempts_like_any_function(engine: Engine) -> None:
    calls: list[int] = []

    def handler(ctx: jobs.ContextSync) -> int:
        ctx.step.run("tell", lambda: calls.append(1))
        ctx.step.sleep("pause", 1000)
        return len(calls)

    engine.execute(refuse, on_failure=handler)
    run = engine.after(Run.objects.get(function="stepwell-work-failure"), seconds=2)
    assert (run.status, run.output, calls) == (Status.COMPLETED, 1, [1])


def test_a_handler_that_fails_itself_starts_nothing_more(engine: Engine) -> None:
    engine.execute(refuse, on_failure=refuse)
    engine.define(lambda ctx: None, fn_id="watcher", on="jobs/function.failed")
    before = Event.objects.count()
    testing.drain()
    assert dict(Run.objects.values_list("function", "status")) == dict.fromkeys(
        ["stepwell-work", "stepwell-work-failure"], Status.FAILED
    )
    assert Event.objects.count() == before


def test_each_handler_gets_only_its_own_failures(engine: Engine) -> None:
    seen: list[str] = []
    for name in ("one", "two"):
        engine.define(refuse, fn_id=name, on=f"test/{name}", on_failure=lambda ctx, name=name: seen.append(name))
    engine.send("test/two")
    testing.drain()
    assert seen == ["two"]


def test_any_function_may_listen_to_failures_and_starts_no_loop(engine: Engine) -> None:
    seen: list[str] = []

    def watch(ctx: jobs.ContextSync) -> None:
        seen.append(ctx.event.data["function_id"])
        raise jobs.NonRetriableError("the watcher fails too")

    engine.define(watch, fn_id="watch", on="jobs/function.failed")
    engine.execute(refuse)
    assert seen == ["stepwell-work"]
    assert Event.objects.filter(name="jobs/function.failed", source=Source.INTERNAL).count() == 1


def test_cancelled_and_finished_may_be_listened_to(engine: Engine) -> None:
    seen: list[Any] = []
    engine.define(lambda ctx: seen.append(ctx.event), fn_id="watch", on="jobs/*")
    run = engine.execute(lambda ctx: {"done": ctx.event.data["n"]}, {"n": 1})
    actions.cancel(actions.rerun(run, by="ada"), by="ada")
    testing.drain()
    finished, cancelled = sorted(seen, key=lambda event: event.name, reverse=True)
    assert (finished.name, finished.data["result"]) == ("jobs/function.finished", {"done": 1})
    assert (cancelled.name, cancelled.data["error"]["code"]) == ("jobs/function.cancelled", "cancelled")
    assert finished.data["event"] == cancelled.data["event"]


def test_finished_is_stored_only_when_something_listens(engine: Engine) -> None:
    engine.execute(lambda ctx: "done")
    assert list(Event.objects.values_list("name", flat=True)) == ["test/event"]


def test_a_run_that_fails_again_after_a_retry_is_handled_again(engine: Engine) -> None:
    seen = handled(engine)
    actions.retry(Run.objects.get(function="stepwell-work"), by="ada")
    testing.drain()
    assert (len(seen), Run.objects.filter(function="stepwell-work-failure").count()) == (1 + 1, 2)
