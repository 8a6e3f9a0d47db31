"""wait_for_any and wait_for_signal: one of several events, and a name that is woken with data."""

from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import actions, testing
from jobs.errors import InvalidEvent
from jobs.models import Run, Wait
from jobs.types import Status
from tests.jobs.conftest import Engine

HOUR = timedelta(hours=1)
PAID = jobs.TriggerEvent(event="test/paid", expression="async.data.id == event.data.id")


def either(ctx: jobs.ContextSync) -> Any:
    event = ctx.step.wait_for_any("either", ["test/refused", PAID], HOUR)
    return None if event is None else event.name


def test_the_first_of_several_events_is_returned(engine: Engine) -> None:
    run = engine.execute(either, {"id": 1})
    engine.send("test/paid", {"id": 2})
    assert engine.drained(run).status == Status.WAITING
    engine.send("test/paid", {"id": 1})
    engine.send("test/refused")
    assert engine.drained(run).output == "test/paid"
    assert not Wait.objects.exists()


def test_none_of_several_in_time_is_none(engine: Engine) -> None:
    run = engine.execute(either, {"id": 1})
    assert engine.after(run, hours=2).output is None


def test_looking_back_takes_the_oldest_of_them(engine: Engine) -> None:
    engine.send("test/refused")
    engine.send("test/paid")
    run = engine.execute(
        lambda ctx: ctx.step.wait_for_any("any", ["test/paid", "test/refused"], HOUR, lookback=HOUR).name
    )
    assert run.output == "test/refused"


@pytest.mark.parametrize("count", [0, 21])
def test_none_or_too_many_events_are_refused_in_words(engine: Engine, count: int) -> None:
    run = engine.execute(lambda ctx: ctx.step.wait_for_any("any", ["test/e"] * count, HOUR))
    assert run.status == Status.FAILED
    assert f"waits for {count} events; 1 to 20 are possible" in run.error["message"]


def signalled(ctx: jobs.ContextSync) -> Any:
    return ctx.step.wait_for_signal("sign", ctx.event.data["signal"], timeout=HOUR)


@pytest.mark.parametrize("name", ["go", 'it\'s "now" \\ or never', "\n\t", "é \U0001f600", "x" * 255])
def test_a_signal_brings_its_data(engine: Engine, name: str) -> None:
    run = engine.execute(signalled, {"signal": name})
    jobs.send_signal("another", {"n": 0})
    assert engine.drained(run).status == Status.WAITING
    jobs.send_signal(name, {"n": 1})
    assert engine.drained(run).output == {"n": 1}


@pytest.mark.parametrize("data", [None, False, 0, "", [], "text", [1, {"a": None}]])
def test_a_signals_data_is_any_json(engine: Engine, data: Any) -> None:
    run = engine.execute(lambda ctx: [signalled(ctx)], {"signal": "go"})
    actions.send_signal("go", data, by="ada")
    assert engine.drained(run).output == [data]


def test_a_signal_that_does_not_come_is_none(engine: Engine) -> None:
    run = engine.execute(signalled, {"signal": "go"})
    assert engine.after(run, hours=2).output is None


def test_a_signal_wakes_all_who_wait_for_it_and_starts_nothing_later(engine: Engine) -> None:
    engine.define(signalled)
    for _ in range(3):
        engine.send(data={"signal": "go"})
    testing.drain()
    jobs.send_signal("go", 7)
    testing.drain()
    engine.send(data={"signal": "go"})
    testing.drain()
    assert sorted(map(str, Run.objects.values_list("output", flat=True))) == ["7", "7", "7", "None"]


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_a_signal_needs_a_name(engine: Engine, name: str) -> None:
    with pytest.raises(InvalidEvent, match="1 to 255 characters"):
        jobs.send_signal(name)


def test_nobody_outside_can_send_what_carries_signals(engine: Engine) -> None:
    with pytest.raises(InvalidEvent, match="prefix that only the engine may use"):
        engine.send("jobs/signal.sent", {"signal": "go"})
