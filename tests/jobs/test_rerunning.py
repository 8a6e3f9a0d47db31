"""Run again: a new run for the same events or for edited data, linked to the old one."""

import pytest

import jobs
from jobs import actions, testing
from jobs.errors import UnknownFunction
from jobs.models import Event, LogLine, Run
from jobs.types import Source, Status
from tests.jobs.conftest import Engine


def echo(ctx: jobs.ContextSync) -> dict[str, object]:
    return dict(ctx.event.data)


def test_a_rerun_is_a_new_run_for_the_same_event(engine: Engine) -> None:
    run = engine.execute(echo, {"n": 1}, subject="shop.order/{n}")
    again = engine.drained(actions.rerun(run, by="ada"))
    assert (again.status, again.output, again.rerun_of, again.subject) == (
        Status.COMPLETED,
        {"n": 1},
        run.pk,
        "shop.order/1",
    )
    assert (Event.objects.count(), list(run.events.all())) == (1, list(again.events.all()))
    assert list(LogLine.objects.filter(run=run).values_list("message", flat=True)) == ["Run again by ada"]


def test_edited_data_is_a_new_event_and_leaves_the_old_one(engine: Engine) -> None:
    run = engine.execute(echo, {"n": 1}, subject="shop.order/{n}")
    again = engine.drained(actions.rerun(run, by="ada", data={"n": 2}))
    assert (again.output, again.subject, run.events.get().data) == ({"n": 2}, "shop.order/2", {"n": 1})
    event = again.events.get()
    assert (event.name, event.source, event.sender) == ("test/event", Source.MANUAL, "ada")


def test_only_this_function_runs_again(engine: Engine) -> None:
    engine.define(echo, fn_id="other")
    engine.define(echo)
    engine.send()
    testing.drain()
    actions.rerun(Run.objects.get(function="stepwell-work"), by="ada", data={})
    assert Run.objects.filter(function="stepwell-other").count() == 1


def test_any_run_may_run_again_and_more_than_once(engine: Engine) -> None:
    run = engine.start(echo)
    actions.cancel(run, by="ada")
    reruns = [actions.rerun(run, by="ada"), actions.rerun(run, by="ada")]
    testing.drain()
    assert {Run.objects.get(pk=one.pk).status for one in reruns} == {Status.COMPLETED}
    assert Run.objects.get(pk=run.pk).status == Status.CANCELLED


def test_a_delayed_event_does_not_delay_its_rerun(engine: Engine) -> None:
    engine.define(echo)
    engine.send(ts=int((testing.clock.now().timestamp() + 3600) * 1000))
    again = engine.drained(actions.rerun(Run.objects.get(), by="ada"))
    assert again.status == Status.COMPLETED


def test_the_id_of_the_event_does_not_make_its_rerun_a_duplicate(engine: Engine) -> None:
    engine.define(echo)
    engine.send(id="order-7")
    testing.drain()
    run = Run.objects.get()
    for data in (None, {"edited": True}):
        assert engine.drained(actions.rerun(run, by="ada", data=data)).status == Status.COMPLETED


def test_a_function_that_is_gone_cannot_run_again(engine: Engine) -> None:
    run = engine.execute(echo)
    engine.begin_anew()
    with pytest.raises(UnknownFunction, match="'stepwell-work' is not registered"):
        actions.rerun(run, by="ada")
    assert Run.objects.count() == 1
