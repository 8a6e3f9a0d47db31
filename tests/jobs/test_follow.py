"""`jobs_send --follow`: a run as it is seen in a terminal, step by step."""

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError

import jobs
from jobs import clock, testing
from jobs.management import progress
from jobs.models import Run
from jobs.types import Status
from tests.jobs.test_commands import run_command

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    """Standard output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def functions() -> Iterator[None]:
    with testing.registry():

        @jobs.create_function(fn_id="greet", trigger=jobs.TriggerEvent(event="test/greet"), retries=0)
        def greet(ctx: jobs.ContextSync) -> Any:
            """Greet one person."""
            name = ctx.step.run("read-name", lambda: ctx.event.data["name"])
            ctx.step.sleep("wait-politely", timedelta(minutes=5))
            ctx.progress(1, 2, "half way")
            return {"greeting": ctx.step.run("say", lambda: f"Hello, {name}")}

        yield


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whenever the command would look again later, work happens and half a function's sleep passes."""

    def work(_: float) -> None:
        testing.drain()
        clock.shift(timedelta(minutes=2.5))

    monkeypatch.setattr(progress, "sleep", work)
    with clock.shifted():
        yield


def test_follow_shows_each_step_as_it_appears_and_the_output(functions: None, worker: None) -> None:
    out, _ = run_command("jobs_send", "test/greet", "--data", '{"name": "Ada"}', "--follow")
    expected = ["queued", "✓ read-name", "◐ wait-politely  sleeping until", "✓ say", "✓ completed", "Hello, Ada"]
    places = [out.index(words) for words in expected]
    assert places == sorted(places)
    assert out.count("✓ read-name") == 1


def test_follow_fails_with_the_error_of_a_run_that_failed(functions: None, worker: None) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of 1 runs did not complete") as caught:
        run_command("jobs_send", "test/greet", "--follow", out=out)
    assert caught.value.returncode == 1
    assert "✗ failed" in out.getvalue()
    assert "KeyError: 'name'" in out.getvalue()


def test_follow_shows_attempts_and_when_the_next_one_comes(worker: None) -> None:
    with testing.registry():
        tries = iter([ValueError("first\nno luck"), None])

        def attempt() -> str:
            if error := next(tries):
                raise error
            return "done"

        @jobs.create_function(fn_id="flaky", trigger=jobs.TriggerEvent(event="test/flaky"), backoff=[200])
        def flaky(ctx: jobs.ContextSync) -> str:
            return ctx.step.run("fetch", attempt)

        out, _ = run_command("jobs_send", "test/flaky", "--follow")
    assert "◐ fetch  attempt 1 failed: ValueError: no luck" in out
    assert "until" in out.partition("attempt 1 failed")[0].splitlines()[-2]
    assert "✓ fetch" in out.partition("attempt 1 failed")[2]


def test_follow_says_how_many_attempts_a_step_had(worker: None) -> None:
    with testing.registry():

        @jobs.create_function(fn_id="dead", trigger=jobs.TriggerEvent(event="test/dead"), backoff=[0], retries=2)
        def dead(ctx: jobs.ContextSync) -> Any:
            return ctx.step.run("fetch", lambda: {}["nothing"])

        out = io.StringIO()
        with pytest.raises(CommandError):
            run_command("jobs_send", "test/dead", "--follow", out=out)
    assert "✗ fetch  after 3 attempts: KeyError: 'nothing'" in out.getvalue()


def test_follow_says_when_nobody_is_there_to_work(functions: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(_: float) -> None:
        clock.shift(timedelta(seconds=1))
        if progress.LOOK_EVERY_SECONDS and clock.now() > begun + timedelta(seconds=10):
            raise KeyboardInterrupt

    begun = clock.now()
    monkeypatch.setattr(progress, "sleep", wait)
    out = io.StringIO()
    with clock.shifted(), pytest.raises(CommandError, match="the runs go on") as caught:
        run_command("jobs_send", "test/greet", "--follow", out=out)
    assert caught.value.returncode == 130
    assert out.getvalue().count("No worker is running") == 1


def test_a_terminal_is_redrawn_in_place(functions: None, worker: None) -> None:
    out, _ = run_command("jobs_send", "test/greet", "--data", '{"name": "Ada"}', "--follow", out=Terminal())
    assert "\x1b[1F\x1b[J" in out
    assert out.rpartition("\x1b[J")[2].count("✓ read-name") == 1


def test_a_run_shows_its_progress_and_its_step_while_it_runs() -> None:
    run = Run(
        id=uuid4(),
        function="f",
        status=Status.RUNNING,
        queued_at=clock.now(),
        current_step="fetch\x1b[2J",
        progress={"done": 3, "total": 10, "message": "pages"},
    )
    assert progress.describe(run, [])[1:] == ["  ◐ fetch·[2J", "  ◐ 3/10 pages"]


def test_a_cancelled_run_ends_with_who_did_it() -> None:
    now = clock.now()
    error = {"name": "Cancelled", "message": "Cancelled by ada"}
    run = Run(id=uuid4(), function="f", status=Status.CANCELLED, queued_at=now, ended_at=now, error=error)
    assert progress.describe(run, [])[-1] == "  ⊘ cancelled: Cancelled by ada"
