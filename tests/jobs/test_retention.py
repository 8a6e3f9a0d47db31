"""Retention: what ended long ago goes, with all that belongs to it; what lives or is needed stays."""

from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import schedule, testing
from jobs.functions import prune_history
from jobs.models import Event, LogLine, Run, RunEvent, SeenId, Step, Throttle, Wait, pruning
from jobs.registry import registry
from jobs.types import Status
from tests.jobs.conftest import Engine


def chatty(ctx: jobs.ContextSync) -> None:
    ctx.step.run("work", lambda: ctx.logger.info("a line"))


def pruned(engine: Engine) -> dict[str, int]:
    """Start the daily prune by hand, execute it and return what it deleted."""
    registry.add(prune_history)
    run_id = schedule.start(prune_history, "17 3 * * *", "UTC")
    return engine.drained(Run.objects.get(pk=run_id)).output


def test_ended_runs_go_after_their_time_with_all_that_is_theirs(engine: Engine) -> None:
    engine.execute(chatty)
    engine.pass_time(days=29)
    assert pruned(engine) == {"runs": 0, "events": 0, "ids": 0, "keys": 0}
    engine.pass_time(days=1, minutes=1)
    assert pruned(engine)["runs"] == 1
    left = [Run.objects.filter(function="stepwell-work"), Step.objects.filter(name="work"), RunEvent.objects.all()]
    assert [found.count() for found in left[:2]] == [0, 0]
    assert not LogLine.objects.filter(message="a line").exists()
    assert not Event.objects.filter(name="test/event").exists()


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SLEEPING, Status.RUNNING])
def test_runs_that_live_stay_with_their_events_however_old(engine: Engine, status: Status) -> None:
    engine.define(lambda ctx: ctx.step.sleep("pause", timedelta(days=300)))
    then = int((testing.clock.now() + timedelta(days=200)).timestamp() * 1000)
    engine.send(ts=then if status == Status.QUEUED else 0)
    testing.drain()
    if status == Status.RUNNING:
        Run.objects.update(status=status, run_at=None)
    engine.pass_time(days=100)
    pruned(engine)
    run = Run.objects.get(function="stepwell-work")
    assert (run.status, run.events.get().name) == (status, "test/event")


def test_events_without_runs_go_too_and_needed_ones_stay(engine: Engine) -> None:
    engine.send("nobody/listens")
    engine.pass_time(days=31)
    engine.send("nobody/listens")
    assert pruned(engine)["events"] == 1
    assert Event.objects.filter(name="nobody/listens").count() == 1


def test_a_failed_run_that_was_run_again_goes_before_its_event(engine: Engine) -> None:
    run = engine.execute(lambda ctx: None)
    engine.pass_time(days=31)
    again = jobs.actions.rerun(run, by="ada")
    assert pruned(engine)["runs"] == 1
    assert (Run.objects.get(pk=again.pk).events.count(), Event.objects.filter(name="test/event").count()) == (1, 1)


def test_ids_are_forgotten_once_they_no_longer_matter(engine: Engine) -> None:
    engine.send(id="old")
    engine.pass_time(hours=12)
    engine.send(id="new")
    engine.pass_time(hours=12, minutes=1)
    assert pruned(engine)["ids"] == 1
    assert SeenId.objects.get().id == "new"


def test_large_backlogs_go_batch_by_batch(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 3)
    monkeypatch.setattr(jobs.functions, "BATCHES_PER_STEP", 2)
    engine.define(lambda ctx: None)
    jobs.send_sync([jobs.Event(name="test/event") for _ in range(16)])
    testing.drain()
    engine.pass_time(days=31)
    assert pruned(engine) == {"runs": 16, "events": 16, "ids": 0, "keys": 0}
    steps = Step.objects.filter(name__startswith="delete-runs").values_list("name", "output")
    assert list(steps) == [("delete-runs-0", 6), ("delete-runs-1", 6), ("delete-runs-2", 4), ("delete-runs-3", 0)]


@pytest.mark.parametrize(("days", "left"), [(0, 1), (7, 0)])
def test_the_site_chooses_how_long(engine: Engine, settings: Any, days: int, left: int) -> None:
    settings.JOBS = {**settings.JOBS, "RETENTION_DAYS": days}
    engine.execute(lambda ctx: None)
    engine.pass_time(days=8)
    pruned(engine)
    assert Run.objects.filter(function="stepwell-work").count() == left


def test_it_is_scheduled_every_day() -> None:
    assert [trigger.cron for trigger in registry.get("stepwell-prune-history").crons] == ["17 3 * * *"]


def test_keys_that_may_go_on_at_once_and_waits_of_ended_runs_are_forgotten(engine: Engine) -> None:
    throttle = jobs.Throttle(limit=1, period=timedelta(minutes=5))
    run = engine.execute(lambda ctx: None, throttle=throttle)
    registered = {"registered_at": testing.clock.now(), "since": testing.clock.now(), "snapshot": ""}
    Wait.objects.create(run=run.pk, event="never/came", **registered)
    pruned(engine)
    assert (Throttle.objects.count(), Wait.objects.count()) == (1, 1)
    engine.pass_time(days=1, minutes=6)
    pruned(engine)
    assert (Throttle.objects.count(), Wait.objects.count()) == (0, 0)
