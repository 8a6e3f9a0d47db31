"""if_exp of wait_for_event: what an index can answer, what it cannot, and what cannot be evaluated at all."""

from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import testing
from jobs.models import Run, Wait
from jobs.types import Status
from tests.jobs.conftest import Body, Engine

HOUR = timedelta(hours=1)


def waiting(name: str = "test/answer", **options: Any) -> Body:
    """A body that waits for one event and returns its data."""

    def body(ctx: jobs.ContextSync) -> Any:
        event = ctx.step.wait_for_event("wait", event=name, **{"timeout": HOUR, **options})
        return None if event is None else dict(event.data)

    return body


def test_lookback_asks_the_condition_too(engine: Engine) -> None:
    engine.send("test/answer", {"n": 1})
    engine.send("test/answer", {"n": 2})
    run = engine.execute(waiting(lookback=HOUR, if_exp="async.data.n == event.data.n"), {"n": 2})
    assert run.output == {"n": 2}


def test_of_one_send_the_first_that_matches_is_the_one(engine: Engine) -> None:
    run = engine.execute(waiting(if_exp="async.data.n > 1"))
    jobs.send_sync([jobs.Event(name="test/answer", data={"n": number}) for number in range(5)])
    assert engine.drained(run).output == {"n": 2}


def test_a_condition_compares_the_event_with_the_one_that_started_the_run(engine: Engine) -> None:
    run = engine.execute(waiting(if_exp="async.data.order == event.data.order"), {"order": "a"})
    engine.send("test/answer", {"order": "b"})
    assert engine.drained(run).status == Status.WAITING
    engine.send("test/answer", {"order": "a"})
    assert engine.drained(run).output == {"order": "a"}


def test_many_runs_wait_for_one_name_and_each_gets_its_own(engine: Engine) -> None:
    engine.define(waiting(if_exp="event.data.id == async.data.id"))
    for number in range(20):
        engine.send(data={"id": number})
    testing.drain()
    for number in (7, 3):
        engine.send("test/answer", {"id": number, "answer": f"for {number}"})
    testing.drain()
    done = Run.objects.filter(status=Status.COMPLETED)
    assert sorted(run.output["answer"] for run in done) == ["for 3", "for 7"]
    assert Wait.objects.count() == 18


@pytest.mark.parametrize(
    ("condition", "own", "other", "matching"),
    [
        ("async.data.id == event.data.id", 1, {"id": 2}, {"id": 1}),
        ("async.data.id == event.data.id", 1, {"id": "1"}, {"id": 1.0}),
        ("async.data.id == event.data.id", "x" * 500, {"id": "x" * 499}, {"id": "x" * 500}),
        ("async.data.id == event.data.id", None, {"id": 0}, {}),
        ("async.data.id == event.data.id", 'it\'s "7" \\ é', {"id": "7"}, {"id": 'it\'s "7" \\ é'}),
        ("async.data.id == event.data.id && async.data.n > 3", 1, {"id": 1, "n": 3}, {"id": 1, "n": 4}),
        ("async.data.n > 3 || async.data.id == event.data.id", 1, {"id": 2, "n": 1}, {"n": 4}),
        ("async.data.id in [1, 2] && async.data.id != event.data.id", 1, {"id": 1}, {"id": 2}),
        ("async.data.who.name == 'ada'", 1, {"who": "ada"}, {"who": {"name": "ada"}}),
        ("!(async.data.id == event.data.id)", 1, {"id": 1}, {"id": 2}),
        ("async.data.list == [1]", 1, {"list": []}, {"list": [1]}),
        ("has(async.data.id)", 1, {}, {"id": None}),
        ("async.data.name.startsWith('a') && async.data.ok == true", 1, {"name": "ab"}, {"name": "ab", "ok": True}),
        ("async.name == 'test/answer' && async.data.n == 1", 1, {"n": 2}, {"n": 1}),
    ],
)
def test_conditions_an_index_can_answer_and_others_that_it_cannot(
    engine: Engine, condition: str, own: Any, other: dict[str, Any], matching: dict[str, Any]
) -> None:
    run = engine.execute(waiting(if_exp=condition), {"id": own})
    engine.send("test/answer", other)
    assert engine.drained(run).status == Status.WAITING
    engine.send("test/answer", matching)
    assert engine.drained(run).output == matching


def test_an_event_that_a_condition_cannot_be_evaluated_for_does_not_match(engine: Engine) -> None:
    run = engine.execute(waiting(if_exp="async.data.n + 1 > 3"))
    engine.send("test/answer", {"n": "three"})
    assert engine.drained(run).status == Status.WAITING
    engine.send("test/answer", {"n": 3})
    assert engine.drained(run).output == {"n": 3}


def test_a_condition_that_is_not_an_expression_fails_the_run_in_words(engine: Engine) -> None:
    run = engine.execute(waiting(if_exp="async.data.id =="))
    assert run.status == Status.FAILED
    assert "'async.data.id ==' is not a CEL expression" in run.error["message"]
    assert '"wait"' in run.error["message"]


def test_only_whole_names_can_be_waited_for(engine: Engine) -> None:
    run = engine.execute(waiting("test/*"))
    assert run.status == Status.FAILED
    assert "only whole names" in run.error["message"]
