"""`jobs_act`: the admin's verbs from a terminal, each answered in words."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

import jobs
from jobs import testing
from jobs.models import FunctionState, LogLine, Run
from jobs.types import Status
from tests.jobs.conftest import Engine, Flaky


def act(*words: Any) -> str:
    """Run the command and return what it prints."""
    out = StringIO()
    call_command("jobs_act", *map(str, words), stdout=out)
    return out.getvalue().strip()


def test_a_failed_run_is_retried_once(engine: Engine) -> None:
    flaky = Flaky(1)
    run = engine.execute(lambda ctx: ctx.step.run("flaky", flaky), retries=0)
    assert act("retry", run.pk) == "It is queued again."
    with pytest.raises(CommandError, match="This run is queued, so there is nothing to retry"):
        act("retry", run.pk)
    assert engine.drained(run).status == Status.COMPLETED
    assert LogLine.objects.get(level="ACTION").message == "Retried by jobs_act"


def test_a_sleeping_run_is_woken_or_cancelled(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.sleep("long", timedelta(days=9)))
    assert act("wake", run.pk) == "It goes on now."
    assert engine.drained(run).status == Status.COMPLETED
    other = Run.objects.get(pk=act("rerun", run.pk).removesuffix(".").rpartition(" ")[2])
    assert act("cancel", other.pk) == "It is cancelled."
    with pytest.raises(CommandError, match="is cancelled, so there is nothing to cut short"):
        act("wake", other.pk)


def test_a_function_is_paused_and_goes_on(engine: Engine) -> None:
    run = engine.start(lambda ctx: "done")
    assert act("pause", "stepwell-work").startswith("It is paused")
    assert act("pause", "stepwell-work") == "It was paused already."
    assert engine.drained(run).status == Status.QUEUED
    assert FunctionState.objects.get().paused_by == "jobs_act"
    assert act("resume", "stepwell-work") == "It goes on."
    assert act("resume", "stepwell-work") == "It was not paused."
    assert engine.drained(run).output == "done"


def test_a_signal_is_sent_with_its_data(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.wait_for_signal("go", "start", timeout=timedelta(hours=1)))
    assert act("signal", "start", "--data", "[1, 2]").startswith("Signal start sent, as event ")
    assert engine.drained(run).output == [1, 2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("retry", "nonsense"), "No run has the id 'nonsense'"),
        (("pause", "nobody"), "No function has the id 'nobody'; there are: stepwell-work"),
        (("signal", "x" * 256), "This signal is refused"),
        (("signal", "go", "--data", "{"), "--data is not JSON"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(engine: Engine, words: tuple[str, ...], said: str) -> None:
    engine.define(lambda ctx: None)
    with pytest.raises(CommandError, match=said):
        act(*words)


def test_a_rate_limited_event_is_told_to_who_sends_it(engine: Engine) -> None:
    engine.define(lambda ctx: None, rate_limit=jobs.RateLimit(limit=1, period=timedelta(hours=1)))
    engine.send()
    out = StringIO()
    call_command("jobs_send", "test/event", stdout=out)
    assert "It starts nothing: stepwell-work: rate limited." in out.getvalue()
    assert testing.drain() == 1
