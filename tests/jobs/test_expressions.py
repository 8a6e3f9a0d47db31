"""Expressions: CEL over the event decides, and one that cannot be evaluated fails its own run, not the sender."""

import time
from typing import Any

import pytest

import jobs
from jobs import checks, expressions
from jobs.errors import InvalidExpression
from jobs.models import Run
from jobs.registry import registry
from jobs.types import Status
from tests.jobs.conftest import Engine

EVENT = {"name": "order/placed", "data": {"total": 12, "vip": True, "word": "x", "nothing": None, "list": [1]}, "ts": 5}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("event.data.total > 10", True),
        ("event.data.total > 10 && event.data.vip == false", False),
        ("event.name == 'order/placed' && event.ts == 5", True),
        ("event.data.word in ['x', 'y']", True),
        ("size(event.data.list) == 1", True),
        ("event.data.vip ? 60 : 0", 60),
        ("event.data.nothing == null", True),
    ],
)
def test_expressions_see_the_event(expression: str, value: Any) -> None:
    assert expressions.evaluate(expression, EVENT) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("event.data.missing", None),
        ("event.data.missing == null", True),
        ("event.data.missing != 'x'", True),
        ("event.data.missing == 1 || event.data.other == null", True),
        ("event.data.missing == 1 || event.data.total == 12", True),
        ("has(event.data.missing) || event.data.other == 1", False),
        ("event.user == null", True),
        ("event.data.missing.deeper == 1", None),
    ],
)
def test_a_missing_attribute_is_null(expression: str, value: Any) -> None:
    before = repr(EVENT)
    assert expressions.evaluate(expression, EVENT) == value
    assert repr(EVENT) == before


@pytest.mark.parametrize(
    "expression", ["event.data.word > 3", "nobody == 1", "event.data.list[5] == 1", "1 / 0 == 1", "event.data.vip + 1"]
)
def test_what_cannot_be_evaluated_is_named_with_its_event(expression: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        expressions.evaluate(expression, EVENT)
    assert repr(expression) in str(caught.value)
    assert "order/placed" in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"on": [jobs.TriggerEvent(event="test/event", expression="event.data[")]},
        {"priority": jobs.Priority(run="event.data[")},
        {"idempotency": "event.data["},
        {"concurrency": [jobs.Concurrency(limit=1, key="event.data[")]},
        {"throttle": jobs.Throttle(limit=1, period=1000, key="event.data[")},
        {"cancel": [jobs.Cancel(event="a/b", if_exp="event.data[")]},
    ],
)
def test_a_wrong_expression_is_an_error_of_the_site_and_fails_the_run(engine: Engine, options: dict[str, Any]) -> None:
    run = engine.execute(lambda ctx: None, **options)
    [found] = checks.check_functions()
    assert (found.id, found.obj) == ("jobs.E202", registry.get("stepwell-work").source)
    assert "is not a CEL expression" in found.msg
    if "cancel" not in options:
        assert (run.status, run.error["code"]) == (Status.FAILED, "invalid_expression")


@pytest.mark.parametrize(("total", "runs"), [(12, 1), (3, 0)])
def test_only_events_that_meet_the_expression_start_a_run(engine: Engine, total: int, runs: int) -> None:
    engine.define(lambda ctx: None, on=[jobs.TriggerEvent(event="test/event", expression="event.data.total > 10")])
    engine.send(data={"total": total})
    assert Run.objects.count() == runs


def test_an_expression_that_fails_at_run_time_fails_that_run_only(engine: Engine) -> None:
    called: list[int] = []
    trigger = jobs.TriggerEvent(event="test/event", expression="event.data.total > 10")
    engine.define(lambda ctx: called.append(1), on=[trigger], fn_id="picky")
    engine.define(lambda ctx: "done", fn_id="other")
    engine.send(data={"total": "twelve"})
    picky = engine.drained(Run.objects.get(function="stepwell-picky"))
    assert (picky.status, picky.error["code"], picky.error["name"]) == (
        Status.FAILED,
        "invalid_expression",
        "InvalidExpression",
    )
    assert "event.data.total > 10" in picky.error["message"]
    assert (Run.objects.get(function="stepwell-other").output, called) == ("done", [])


def test_a_second_trigger_that_matches_makes_up_for_a_failing_one(engine: Engine) -> None:
    failing = jobs.TriggerEvent(event="test/event", expression="event.data.total > 10")
    run = engine.execute(lambda ctx: "done", {"total": "x"}, on=[failing, jobs.TriggerEvent(event="test/*")])
    assert run.output == "done"


def test_an_event_of_another_name_is_not_even_looked_at(engine: Engine) -> None:
    failing = jobs.TriggerEvent(event="other/event", expression="event.data.total > 10")
    run = engine.execute(lambda ctx: "done", {"total": "x"}, on=[failing, jobs.TriggerEvent(event="test/*")])
    assert run.output == "done"


@pytest.mark.parametrize("expression", ["event.data.word + 1", "event.data.word", "[1]", "0.0 / 0.0"])
def test_a_priority_that_is_no_number_fails_the_run(engine: Engine, expression: str) -> None:
    run = engine.execute(lambda ctx: "done", {"word": "x"}, priority=jobs.Priority(run=expression))
    assert (run.status, run.error["code"], run.priority) == (Status.FAILED, "invalid_expression", 0)


LOOP = "event.data.list.all(x, {})"


def nested(levels: int) -> str:
    return "true" if levels == 0 else LOOP.format(nested(levels - 1))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("||".join(["true"] * 200_000), "characters"),
        ("a" + "||a" * 150, "words and signs"),
        ("(" * 17 + "1" + ")" * 17, "nested more than"),
        (nested(9), "all loops|loops 9 times"),
        (nested(2), "event cannot stand inside"),
        ("[1].all(x, [x].all(y, true))", "all cannot stand inside"),
        ("event.data.list.all(x, x in event.data.list)", "in cannot stand inside"),
        ("event.data.list.all(x, size(event.data.list) > x)", "event cannot stand inside"),
        ("event.data.list.map(x, x) == []", "map copies lists"),
        ("event.data.list.filter(x, true) == []", "filter copies lists"),
        (r"""r"\" == event.data.list.map(x, x) || "" == "x" """, "map copies lists"),
        ("true // ' \n || event.data.list.map(x, x) == '", "where no quoted text is"),
        ("event.data.list.`map`(x, x) == []", "where no quoted text is"),
        ("'a\n' == event.data.list.map(x, x)", "where no quoted text is"),
    ],
)
def test_an_expression_from_outside_that_could_cost_much_is_refused_unread(expression: str, words: str) -> None:
    with pytest.raises(InvalidExpression, match=words) as refused:
        expressions.bounded(expression)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    "expression",
    [
        "event.data.id == 5 && (event.name == 'order/placed' || has(event.data.vip))",
        "event.data.word in ['all', 'map', \"it's\"]",
        "event.data.list.exists(x, x.id == 'in' && x.n > 3)",
    ],
)
def test_an_expression_from_outside_may_ask_what_people_ask(expression: str) -> None:
    assert expressions.compiled(expressions.bounded(expression))


def test_the_dearest_expression_from_outside_takes_time_linear_in_the_event() -> None:
    event = {"name": "x", "data": {"list": list(range(100_000))}}
    begun = time.process_time()
    dear = LOOP.format("x >= 0") + " && event.data.list.exists(x, x == -1) == false"
    assert expressions.evaluate(expressions.bounded(dear), event) is True
    assert time.process_time() - begun < 2


def test_definitions_in_code_keep_all_of_cel() -> None:
    assert expressions.evaluate("event.data.list.map(x, x + 1).filter(y, y > 1) == [2]", EVENT)
