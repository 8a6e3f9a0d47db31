"""Awkward payloads survive: in events, step output, run output, errors and log lines, through the real database."""

import json
from typing import Any

import pytest

import jobs
from jobs import actions
from jobs.models import Event, LogLine, Step
from jobs.types import Status
from tests.jobs.conftest import Engine

NUL, SURROGATE, LONG = "a\0b", f"x{chr(0xD83D)}y", "100 KB " * 15_000
PAYLOADS: dict[str, Any] = {
    "nul": {"text": NUL, NUL: 1},
    "surrogate": {"text": SURROGATE, SURROGATE: 1},
    "both": {"text": NUL + SURROGATE},
    "integers": {"n": 12345678901234567890, "minus": -(10**25), "zero": 0},
    "floats": {"tenth": 0.1, "large": 1e300, "whole": 1.0},
    "long": {"text": LONG},
    "order": {"z": 1, "a": {"y": 1, "b": 2}, "m": 3},
    "null": {"nothing": None, "deep": {"nothing": [None, {"nothing": None}]}},
    "empty": {"list": [], "dict": {}, "text": ""},
    "unicode": {"text": "Grüße 🎈 ‮ \u2028 \ufeff"},
    "deep": json.loads('{"d":' * 100 + "1" + "}" * 100),
}
TEXTS = {"nul": NUL, "surrogate": SURROGATE, "both": NUL + SURROGATE}

every_payload = pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
every_text = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())


@every_payload
def test_event_data_comes_back_as_it_went_in(engine: Engine, payload: dict[str, Any]) -> None:
    seen: list[Any] = []
    run = engine.execute(lambda ctx: seen.append(ctx.event.data), payload)
    assert (run.status, seen) == (Status.COMPLETED, [payload])
    for value in (seen[0], Event.objects.get().data):
        assert json.dumps(value) == json.dumps(payload)


@every_payload
def test_output_comes_back_as_it_went_in(engine: Engine, payload: dict[str, Any]) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        value = ctx.step.run("make", lambda: payload)
        ctx.step.sleep("pause", 1000)
        return value

    run = engine.after(engine.execute(body), seconds=2)
    assert run.status == Status.COMPLETED
    assert json.dumps(run.output) == json.dumps(Step.objects.get(name="make").output) == json.dumps(payload)


@every_payload
def test_a_rerun_and_a_sent_event_carry_it_on(engine: Engine, payload: dict[str, Any]) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        ctx.step.send_event("pass-on", jobs.Event(name="other/event", data=ctx.event.data))
        return ctx.event.data

    run = engine.execute(body, payload)
    again = engine.drained(actions.rerun(run, by="ada", data=payload))
    assert json.dumps(again.output) == json.dumps(payload)
    assert [json.dumps(event.data) for event in Event.objects.filter(name="other/event")] == [json.dumps(payload)] * 2


@every_text
def test_error_messages_come_back_as_they_were_raised(engine: Engine, text: str) -> None:
    def handler() -> None:
        raise ValueError(text)

    seen: list[str] = []

    def body(ctx: jobs.ContextSync) -> None:
        try:
            ctx.step.run("fail", handler)
        except jobs.StepError as error:
            seen.append(error.message)
        handler()

    run = engine.execute(body, retries=0)
    assert (run.status, run.error["message"], seen) == (Status.FAILED, text, [text])
    assert engine.step("fail").error["message"] == text


def test_a_very_long_error_message_is_cut(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        raise ValueError(LONG)

    run = engine.execute(body, retries=0)
    assert run.error["message"] == LONG[:20_000]


@every_text
def test_what_text_columns_refuse_is_made_visible_in_log_lines(engine: Engine, text: str) -> None:
    run = engine.execute(lambda ctx: ctx.logger.info("%s!", text))
    visible = text.replace("\0", "\\x00").replace(chr(0xD83D), "\\ud83d")
    assert (run.status, LogLine.objects.get().message) == (Status.COMPLETED, f"{visible}!")


def test_a_long_log_line_is_kept_whole(engine: Engine) -> None:
    engine.execute(lambda ctx: ctx.logger.info(LONG))
    assert LogLine.objects.get().message == LONG


@every_text
def test_progress_may_say_anything(engine: Engine, text: str) -> None:
    run = engine.execute(lambda ctx: ctx.progress(1, 2, text))
    assert run.progress == {"done": 1, "total": 2, "message": text}


@every_text
def test_a_subject_made_of_such_data_does_not_lose_the_event(engine: Engine, text: str) -> None:
    run = engine.execute(lambda ctx: "done", {"id": text}, subject="app.thing/{id}")
    assert (run.status, run.output, "\0" in run.subject) == (Status.COMPLETED, "done", False)


@every_payload
def test_expressions_do_not_stumble_over_it(engine: Engine, payload: dict[str, Any]) -> None:
    trigger = jobs.TriggerEvent(event="test/event", expression="event.data.wanted == true")
    run = engine.execute(lambda ctx: ctx.event.data, {**payload, "wanted": True}, on=[trigger])
    assert (run.status, run.output) == (Status.COMPLETED, {**payload, "wanted": True})


@every_text
def test_a_failed_step_with_such_a_name_is_retried(engine: Engine, text: str) -> None:
    broken = [True]

    def handler() -> str:
        if broken:
            raise ValueError(broken.pop())
        return "well"

    run = engine.execute(lambda ctx: ctx.step.run(text, handler), retries=0)
    assert run.status == Status.FAILED
    actions.retry(run, by="ada")
    assert engine.drained(run).output == "well"
