"""Results of steps: they come back as they were, and what JSON cannot carry fails in words."""

import dataclasses
import enum
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

import jobs
from jobs import serialize
from jobs.types import Status
from tests.jobs.conftest import Engine


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    at: date


class Person(BaseModel):
    name: str
    born: date


VALUES: list[tuple[Any, Any]] = [
    ((1, "two"), tuple[int, str]),
    ({1, 2}, set[int]),
    (datetime(2026, 3, 1, 12, 30, tzinfo=UTC), datetime),
    (date(2026, 3, 1), date),
    (timedelta(days=2, seconds=3, milliseconds=5), timedelta),
    (Decimal("12.30"), Decimal),
    (UUID(int=7), UUID),
    (Colour.RED, Colour),
    (Point(3, date(2026, 3, 1)), Point),
    ([Person(name="Ada", born=date(1815, 12, 10))], list[Person]),
    ({"nested": {"deep": (Decimal("1.0"), None)}}, dict[str, dict[str, tuple[Decimal, None]]]),
]


@pytest.mark.parametrize(("value", "output_type"), VALUES, ids=lambda value: str(value)[:40])
def test_output_type_restores_what_json_flattened(engine: Engine, value: Any, output_type: Any) -> None:
    seen: list[Any] = []

    def body(ctx: jobs.ContextSync) -> None:
        seen.append(ctx.step.run("make", lambda: value, output_type=output_type))
        ctx.step.sleep("pause", 1000)

    engine.after(engine.execute(body), seconds=2)
    assert seen == [value, value]
    assert type(seen[0]) is type(value)


def test_without_output_type_the_first_pass_sees_what_later_ones_see(engine: Engine) -> None:
    seen: list[Any] = []

    def body(ctx: jobs.ContextSync) -> None:
        seen.append(ctx.step.run("make", lambda: {"pair": (1, 2), "at": date(2026, 3, 1)}))
        ctx.step.sleep("pause", 1000)

    engine.after(engine.execute(body), seconds=2)
    assert seen == [{"pair": [1, 2], "at": "2026-03-01"}] * 2


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"bytes", "bytes is no JSON"),
        (object(), "object is no JSON"),
        (float("nan"), "nan is no JSON number"),
        ({("a", "b"): 1}, "a key of type tuple is no JSON"),
        ({1: [b"x"]}, "bytes is no JSON (at [1][0])"),
        ({"rows": [{"total": 1}, {"total": 1j}]}, "complex is no JSON (at ['rows'][1]['total'])"),
        (lambda: None, "function is no JSON"),
    ],
)
def test_what_json_cannot_carry_fails_the_run_in_words(engine: Engine, value: Any, words: str) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("make", lambda: value))
    assert (run.status, run.error["code"], run.error["step"]) == (Status.FAILED, "output_unserializable", "make")
    assert run.error["message"] == f'"make" returned unserializable data: {words}'


def test_a_value_that_contains_itself_fails_the_run_at_once(engine: Engine) -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert engine.execute(lambda ctx: ctx.step.run("ring", lambda: ring)).error["code"] == "output_unserializable"


def test_the_result_of_a_function_must_be_json_too(engine: Engine) -> None:
    run = engine.execute(lambda ctx: b"bytes")
    assert (run.status, run.error["code"]) == (Status.FAILED, "output_unserializable")
    assert run.error["message"] == '"stepwell-work" returned unserializable data: bytes is no JSON'


def test_unserializable_data_cannot_be_caught_by_the_body(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> str:
        try:
            ctx.step.run("make", lambda: b"bytes")
        except Exception:
            return "caught"
        return "passed"

    assert engine.execute(body).error["code"] == "output_unserializable"


def test_output_of_several_mebibytes_is_stored(engine: Engine) -> None:
    text = "x" * (serialize.MAX_OUTPUT - 2)
    assert engine.execute(lambda ctx: ctx.step.run("much", lambda: text)).output == text


@pytest.mark.parametrize("text", ["x" * serialize.MAX_OUTPUT, "ü" * (serialize.MAX_OUTPUT // 2)], ids=["ascii", "utf8"])
def test_output_that_is_too_large_fails_in_words(engine: Engine, text: str) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("much", lambda: text))
    assert (run.status, run.error["code"]) == (Status.FAILED, "output_too_large")
    assert run.error["message"] == '"much" returned more than 4 MiB'
