"""Schedules: one run per tick however many clusters, and never for a tick that was missed."""

import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

import jobs
from jobs import clock, schedule, testing
from jobs.database import pool
from jobs.flights import Flights
from jobs.ids import new_id
from jobs.keeper import Keeper
from jobs.models import Event, Run, Schedule
from jobs.types import Source, Status
from tests.jobs.conftest import Engine


def work(ctx: jobs.ContextSync) -> dict[str, Any]:
    return {"name": ctx.event.name, **ctx.event.data}


def cron(*crons: str) -> list[jobs.TriggerCron]:
    return [jobs.TriggerCron(cron=one) for one in crons]


def at_the_tick(engine: Engine, *, late: float = 0.1) -> None:
    """Move the clock to so many seconds after the next tick."""
    due = Schedule.objects.order_by("next_at")[0].next_at
    engine.pass_time(seconds=(due - clock.now()).total_seconds() + late)


def test_a_tick_starts_one_run_with_the_timers_event(engine: Engine) -> None:
    engine.define(work, on=cron("0 9 * * *"), subject="shop.day/{cron}")
    schedule.follow_code()
    assert (schedule.tick() > 0, Run.objects.count()) == (True, 0)
    at_the_tick(engine)
    schedule.tick()
    run = engine.drained(Run.objects.get())
    event = Event.objects.get()
    assert (run.status, run.output) == (Status.COMPLETED, {"name": "jobs/scheduled.timer", "cron": "0 9 * * *"})
    assert (run.trigger, run.subject) == ("jobs/scheduled.timer", "shop.day/0 9 * * *")
    assert (event.source, event.sender) == (Source.CRON, "stepwell-work")


def test_the_row_tells_the_last_tick_and_the_next(engine: Engine) -> None:
    engine.define(work, on=cron("*/15 * * * *"))
    schedule.follow_code()
    first = Schedule.objects.get().next_at
    at_the_tick(engine)
    wait = schedule.tick()
    row = Schedule.objects.get()
    assert (row.last_at, row.next_at) == (first, first + timedelta(minutes=15))
    assert row.last_run == Run.objects.get().pk
    assert wait == pytest.approx(900, abs=1)


def test_looking_again_at_the_same_tick_starts_nothing(engine: Engine) -> None:
    engine.define(work, on=cron("0 9 * * *"))
    schedule.follow_code()
    at_the_tick(engine)
    for _ in range(3):
        schedule.tick()
    assert Run.objects.count() == 1


def test_each_schedule_of_a_function_ticks_by_itself(engine: Engine) -> None:
    engine.define(work, on=[*cron("0 * * * *", "30 * * * *"), jobs.TriggerEvent(event="test/event")])
    schedule.follow_code()
    for _ in range(4):
        at_the_tick(engine)
        schedule.tick()
    engine.send()
    assert sorted(Run.objects.values_list("trigger", flat=True)) == ["jobs/scheduled.timer"] * 4 + ["test/event"]


def test_a_missed_tick_is_not_caught_up(engine: Engine) -> None:
    engine.define(work, on=cron("0 * * * *"))
    schedule.follow_code()
    at_the_tick(engine, late=3 * 3600 + 60)
    schedule.tick()
    row = Schedule.objects.get()
    assert (Run.objects.count(), row.last_at, row.next_at > clock.now()) == (0, None, True)
    at_the_tick(engine)
    schedule.tick()
    assert Run.objects.count() == 1


def test_a_tick_seen_a_little_late_still_counts(engine: Engine) -> None:
    engine.define(work, on=cron("0 * * * *"))
    schedule.follow_code()
    at_the_tick(engine, late=29)
    schedule.tick()
    assert Run.objects.count() == 1


def test_two_clusters_at_the_same_tick_start_one_run(committing_engine: Engine) -> None:
    for number in range(5):
        committing_engine.define(work, fn_id=f"work-{number}", on=cron("0 * * * *"))
    schedule.follow_code()
    at_the_tick(committing_engine)
    together = threading.Barrier(2)

    def cluster() -> None:
        together.wait(5)
        schedule.tick()
        connection.close()

    threads = [threading.Thread(target=cluster) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(Run.objects.values_list("function", flat=True)) == [f"stepwell-work-{n}" for n in range(5)]


def test_a_cluster_passes_over_what_another_one_is_starting(committing_engine: Engine, second_connection: Any) -> None:
    committing_engine.define(work, on=cron("0 * * * *"))
    schedule.follow_code()
    at_the_tick(committing_engine)
    with second_connection.transaction():
        second_connection.execute("SELECT * FROM jobs_schedule FOR UPDATE")
        schedule.tick()
        assert Run.objects.count() == 0
    schedule.tick()
    assert Run.objects.count() == 1


def rows() -> list[tuple[str, str, str]]:
    return sorted(Schedule.objects.values_list("function", "cron", "timezone"))


def test_schedules_follow_the_code(engine: Engine) -> None:
    engine.define(work, on=cron("0 9 * * *", "TZ=Europe/Paris 0 7 * * 1-5"))
    schedule.follow_code()
    assert rows() == [("stepwell-work", "0 7 * * 1-5", "Europe/Paris"), ("stepwell-work", "0 9 * * *", "UTC")]
    kept = Schedule.objects.get(timezone="UTC")
    engine.deploy(work, on=cron("0 9 * * *", "5 5 * * *"))
    schedule.follow_code()
    assert rows() == [("stepwell-work", "0 9 * * *", "UTC"), ("stepwell-work", "5 5 * * *", "UTC")]
    assert Schedule.objects.get(cron="0 9 * * *") == kept
    schedule.follow_code()
    assert len(rows()) == 2


def test_schedules_of_another_app_are_left_alone(engine: Engine) -> None:
    Schedule.objects.create(function="till-close", cron="0 22 * * *", next_at=clock.now())
    engine.define(work, on=cron("0 9 * * *"))
    schedule.follow_code()
    assert [row[0] for row in rows()] == ["stepwell-work", "till-close"]


def test_a_tick_of_a_function_that_is_gone_starts_nothing(engine: Engine) -> None:
    engine.define(work, on=cron("0 9 * * *"))
    schedule.follow_code()
    engine.begin_anew()
    at_the_tick(engine)
    schedule.tick()
    assert (Run.objects.count(), Schedule.objects.get().next_at > clock.now()) == (0, True)


def test_the_keeper_outlives_a_round_that_fails(
    committing_engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> float:
        raise RuntimeError("out of order")

    monkeypatch.setattr(schedule, "tick", broken)
    borrowed = pool()
    flights = Flights(landed=lambda: None, stopped=lambda: False)
    facts = {
        "id": new_id(),
        "host": "here",
        "flights": flights,
        "heartbeat": SimpleNamespace(steady_seconds=lambda: 0.0),
    }
    with borrowed:
        Keeper(SimpleNamespace(pool=borrowed, **facts))._round()  # type: ignore[arg-type]
    assert "out of order" in caplog.text


def test_a_failing_subject_or_priority_does_not_stop_the_ticks(engine: Engine) -> None:
    engine.define(work, on=cron("0 9 * * *"), fn_id="odd", subject=lambda event: 1 / 0)
    engine.define(work, on=cron("0 9 * * *"), priority=jobs.Priority(run="event.data.cron"))
    schedule.follow_code()
    at_the_tick(engine)
    schedule.tick()
    testing.drain()
    assert dict(Run.objects.values_list("function", "status")) == {
        "stepwell-odd": Status.COMPLETED,
        "stepwell-work": Status.FAILED,
    }


def test_a_schedule_started_by_hand_names_the_person(engine: Engine) -> None:
    function = engine.define(work, on=cron("TZ=Europe/Paris 0 9 * * *"))
    run_id = schedule.start(function, "0 9 * * *", "Europe/Paris", sender="ada")
    assert engine.drained(Run.objects.get(pk=run_id)).output["cron"] == "TZ=Europe/Paris 0 9 * * *"
    assert Event.objects.get().sender == "ada"
