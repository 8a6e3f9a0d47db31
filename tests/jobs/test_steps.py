"""Steps: each finishes once, whatever happens around it, and its result comes back as it was."""

import dataclasses
import enum
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError
from pydantic import BaseModel

import jobs
from jobs import actions, serialize
from jobs.journal import key_of
from jobs.models import Event, Run, Step
from jobs.types import Op, Status, StepStatus
from tests.jobs.conftest import Engine


class Counter:
    """Counts its calls and returns the count."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return self.calls


def fails(message: str = "no") -> Any:
    raise ValueError(message)


def test_a_finished_step_never_runs_again(engine: Engine) -> None:
    first, second = Counter(), Counter()

    def body(ctx: jobs.ContextSync) -> list[int]:
        one = ctx.step.run("first", first)
        ctx.step.sleep("pause", timedelta(hours=1))
        return [one, ctx.step.run("second", second)]

    run = engine.execute(body)
    assert (run.status, first.calls, second.calls) == (Status.SLEEPING, 1, 0)
    run = engine.after(run, hours=1)
    assert (run.status, run.output, first.calls, second.calls) == (Status.COMPLETED, [1, 1], 1, 1)


def test_handlers_get_their_arguments(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("add", lambda a, b: a + b, 2, 3))
    assert run.output == 5


def test_repeated_ids_are_numbered_in_the_order_they_are_met(engine: Engine) -> None:
    counter = Counter()

    def body(ctx: jobs.ContextSync) -> list[int]:
        numbers = [ctx.step.run("same", counter) for _ in range(3)]
        ctx.step.sleep("pause", 1000)
        return numbers

    run = engine.after(engine.execute(body), seconds=2)
    assert (run.output, counter.calls) == ([1, 2, 3], 3)
    keys = set(Step.objects.filter(name="same").values_list("key", flat=True))
    assert keys == {key_of("same"), key_of("same:1"), key_of("same:2")}


def test_a_stored_null_is_a_result(engine: Engine) -> None:
    calls: list[None] = []

    def body(ctx: jobs.ContextSync) -> bool:
        value = ctx.step.run("nothing", lambda: calls.append(None))
        ctx.step.sleep("pause", 1000)
        return value is None

    run = engine.after(engine.execute(body), seconds=2)
    assert (run.output, len(calls)) == (True, 1)
    assert engine.step("nothing").status == StepStatus.COMPLETED


def test_a_function_that_returns_nothing_completes_with_null(engine: Engine) -> None:
    run = engine.execute(lambda ctx: None)
    assert (run.status, run.output) == (Status.COMPLETED, None)


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


@pytest.mark.parametrize("value", [b"bytes", object(), float("nan"), {("a", "b"): 1}, {1, b"x"}, lambda: None, 1j])
def test_what_json_cannot_carry_fails_the_run_at_once(engine: Engine, value: Any) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("make", lambda: value))
    assert (run.status, run.error["code"], run.error["step"]) == (Status.FAILED, "output_unserializable", "make")
    assert run.error["message"] == '"make" returned unserializable data'


def test_a_value_that_contains_itself_fails_the_run_at_once(engine: Engine) -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert engine.execute(lambda ctx: ctx.step.run("ring", lambda: ring)).error["code"] == "output_unserializable"


def test_the_result_of_a_function_must_be_json_too(engine: Engine) -> None:
    run = engine.execute(lambda ctx: b"bytes")
    assert (run.status, run.error["code"]) == (Status.FAILED, "output_unserializable")
    assert run.error["message"] == '"stepwell-work" returned unserializable data'


def test_unserializable_data_cannot_be_caught_by_the_body(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> str:
        try:
            ctx.step.run("make", lambda: b"bytes")
        except Exception:
            return "caught"
        return "passed"

    assert engine.execute(body).error["code"] == "output_unserializable"


@pytest.mark.parametrize("outer", ["outer", ""])
def test_nested_steps_fail_the_run_with_words(engine: Engine, outer: str) -> None:
    def body(ctx: jobs.ContextSync) -> str:
        try:
            ctx.step.run(outer, lambda: ctx.step.run("inner", lambda: 1))
        except Exception:
            return "caught"
        return "passed"

    run = engine.execute(body)
    assert (run.status, run.error["code"], run.error["step"]) == (Status.FAILED, "step_nested", "inner")
    assert run.error["message"] == "Nested steps are not supported."


def test_product_code_that_catches_exceptions_does_not_catch_a_suspension(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> str:
        try:
            ctx.step.sleep("pause", timedelta(minutes=1))
        except Exception:
            return "caught"
        return "slept"

    run = engine.execute(body)
    assert run.status == Status.SLEEPING
    assert engine.after(run, minutes=1).output == "slept"


def _returns(ctx: jobs.ContextSync) -> str:
    return "on"


def _raises(ctx: jobs.ContextSync) -> str:
    raise RuntimeError("on")


def _goes_on(ctx: jobs.ContextSync) -> int:
    return ctx.step.run("more", lambda: 1)


@pytest.mark.parametrize("then", [_returns, _raises])
def test_a_body_that_swallows_base_exceptions_is_found_out(engine: Engine, then: Callable[..., Any]) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        try:
            ctx.step.sleep("pause", timedelta(minutes=1))
        except BaseException:
            return then(ctx)

    run = engine.execute(body)
    assert (run.status, run.error["code"]) == (Status.FAILED, "suspension_swallowed")
    assert "stepwell-work" in run.error["message"]


def test_a_step_after_a_swallowed_suspension_suspends_again(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        try:
            ctx.step.sleep("pause", timedelta(minutes=1))
        except BaseException:
            return _goes_on(ctx)

    run = engine.execute(body)
    assert (run.status, Step.objects.filter(name="more").exists()) == (Status.SLEEPING, False)


@pytest.mark.parametrize("then", [_returns, _raises])
def test_swallowing_the_end_of_a_run_does_not_undo_it(engine: Engine, then: Callable[..., Any]) -> None:
    def refuse() -> None:
        raise jobs.NonRetriableError("never")

    def body(ctx: jobs.ContextSync) -> Any:
        try:
            ctx.step.run("refuse", refuse)
        except BaseException:
            return then(ctx)

    run = engine.execute(body)
    assert (run.status, run.error["message"], run.error["step"]) == (Status.FAILED, "never", "refuse")


def test_new_steps_run_when_first_met_and_removed_ones_are_ignored(engine: Engine) -> None:
    old, new, kept = Counter(), Counter(), Counter()

    def before(ctx: jobs.ContextSync) -> None:
        ctx.step.run("kept", kept)
        ctx.step.run("old", old)
        ctx.step.sleep("pause", 1000)

    def after(ctx: jobs.ContextSync) -> list[int]:
        added = ctx.step.run("new", new)
        ctx.step.sleep("pause", 1000)
        return [added, ctx.step.run("kept", kept)]

    run = engine.execute(before)
    engine.deploy(after)
    run = engine.after(run, seconds=2)
    assert (run.status, run.output) == (Status.COMPLETED, [1, 1])
    assert (old.calls, new.calls, kept.calls) == (1, 1, 1)


def test_steps_may_change_their_order_under_a_live_run(engine: Engine) -> None:
    def before(ctx: jobs.ContextSync) -> None:
        ctx.step.run("a", lambda: "a")
        ctx.step.run("b", lambda: "b")
        ctx.step.sleep("pause", 1000)

    def after(ctx: jobs.ContextSync) -> list[str]:
        return [ctx.step.run("b", lambda: "again"), ctx.step.run("a", lambda: "again")]

    run = engine.execute(before)
    engine.deploy(after)
    assert engine.after(run, seconds=2).output == ["b", "a"]


def test_a_run_whose_function_is_gone_waits_until_it_is_back(engine: Engine) -> None:
    run = engine.start(lambda ctx: "done")
    engine.begin_anew()
    run = engine.drained(run)
    assert (run.status, run.error["code"]) == (Status.SLEEPING, "unknown_function")
    engine.deploy(lambda ctx: "done")
    run = engine.after(run, seconds=16)
    assert (run.status, run.output, run.error) == (Status.COMPLETED, "done", None)


@pytest.mark.parametrize("step_id", ["", "x" * 300, "nul\0", chr(0xD83D), "größer/gleich 🎈", "\0" * 255])
def test_any_string_is_an_id(engine: Engine, step_id: str) -> None:
    counter = Counter()

    def body(ctx: jobs.ContextSync) -> int:
        def handler() -> int:
            ctx.logger.info("at work")
            return counter()

        value = ctx.step.run(step_id, handler)
        ctx.step.sleep("pause", 1000)
        return value

    run = engine.after(engine.execute(body), seconds=2)
    assert (run.status, run.output, counter.calls) == (Status.COMPLETED, 1, 1)


def test_ids_that_differ_only_at_their_end_are_different_steps(engine: Engine) -> None:
    long = "x" * 300
    run = engine.execute(lambda ctx: [ctx.step.run(long + end, lambda end=end: end) for end in "ab"])
    assert run.output == ["a", "b"]


def test_an_id_that_is_no_string_fails_the_run_in_words(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.run(5, lambda: 1))  # type: ignore[arg-type]
    assert (run.status, run.error["message"]) == (Status.FAILED, "A step's id must be a string, not int")


def test_a_transaction_keeps_the_handlers_rows_and_the_journal_together(engine: Engine) -> None:
    def handler() -> str:
        Event.objects.create(id=UUID(int=1), name="row/written", ts=1, received_at=datetime.now(UTC))
        return "kept"

    run = engine.execute(lambda ctx: ctx.step.transaction("write", handler))
    assert (run.output, engine.step("write").output) == ("kept", "kept")
    assert Event.objects.filter(name="row/written").exists()


def test_a_transaction_that_fails_leaves_neither_and_is_tried_again(engine: Engine) -> None:
    broken = [True]

    def handler() -> str:
        Event.objects.create(id=UUID(int=1), name="row/written", ts=1, received_at=datetime.now(UTC))
        if broken.pop():
            broken.append(False)
            raise IntegrityError("not now")
        return "kept"

    run = engine.execute(lambda ctx: ctx.step.transaction("write", handler), backoff=[10])
    assert (run.status, Event.objects.filter(name="row/written").exists()) == (Status.SLEEPING, False)
    run = engine.after(run, seconds=10)
    step = engine.step("write")
    assert (run.output, step.status, step.error, len(step.attempts)) == ("kept", StepStatus.COMPLETED, None, 1)
    assert Event.objects.filter(name="row/written").count() == 1


def test_a_transaction_whose_run_was_cancelled_meanwhile_is_rolled_back(engine: Engine) -> None:
    def handler(run_id: str) -> None:
        Event.objects.create(id=UUID(int=1), name="row/written", ts=1, received_at=datetime.now(UTC))
        # Stands for another worker that took the run over: its lease has moved on.
        Run.objects.filter(pk=run_id).update(lease=99)

    run = engine.execute(lambda ctx: ctx.step.transaction("write", handler, ctx.run_id))
    assert not Event.objects.filter(name="row/written").exists()
    assert not Step.objects.filter(run=run).exists()


def test_a_finished_transaction_is_not_repeated(engine: Engine) -> None:
    counter = Counter()

    def body(ctx: jobs.ContextSync) -> int:
        value = ctx.step.transaction("count", counter)
        ctx.step.sleep("pause", 1000)
        return value

    assert (engine.after(engine.execute(body), seconds=2).output, counter.calls) == (1, 1)


def test_the_journal_tells_what_each_step_was(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.run("run", lambda: 1)
        ctx.step.send_event("send", jobs.Event(name="other/event"))
        ctx.step.sleep("sleep", 1000)

    engine.execute(body)
    steps = Step.objects.values_list("name", "op", "index", "status")
    assert list(steps) == [
        ("run", Op.RUN, 0, StepStatus.COMPLETED),
        ("send", Op.SEND_EVENT, 1, StepStatus.COMPLETED),
        ("sleep", Op.SLEEP, 2, StepStatus.SLEEPING),
    ]


def test_a_rerun_has_a_journal_of_its_own(engine: Engine) -> None:
    counter = Counter()
    run = engine.execute(lambda ctx: ctx.step.run("count", counter))
    again = engine.drained(actions.rerun(run, by="ada"))
    assert (run.output, again.output, Step.objects.count()) == (1, 2, 2)


def test_output_of_several_mebibytes_is_stored(engine: Engine) -> None:
    text = "x" * (serialize.MAX_OUTPUT - 2)
    assert engine.execute(lambda ctx: ctx.step.run("much", lambda: text)).output == text


@pytest.mark.parametrize("text", ["x" * serialize.MAX_OUTPUT, "ü" * (serialize.MAX_OUTPUT // 2)], ids=["ascii", "utf8"])
def test_output_that_is_too_large_fails_in_words(engine: Engine, text: str) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("much", lambda: text))
    assert (run.status, run.error["code"]) == (Status.FAILED, "output_too_large")
    assert run.error["message"] == '"much" returned more than 4 MiB'
