"""Groups, waits and children under real clusters, and under `kill -9` at the moments that matter."""

import time
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

import jobs
from jobs import events
from jobs.models import Delivery, Run, Step, Wait
from jobs.types import Status, StepStatus
from tests.jobs.cluster import Bench, kill, running, wait_until, workloads

WIDE_SECONDS = 3.0


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, and a folder for what workers write."""
    return Bench(database_url, tmp_path)


def took() -> float:
    """Seconds from the start of the only run to its end."""
    run = Run.objects.get()
    assert run.duration is not None
    return run.duration


@pytest.mark.parametrize("kind", ["wide", "wide_async"])
def test_300_steps_of_a_second_in_one_group_take_3_seconds_at_most(bench: Bench, kind: str) -> None:
    function = getattr(workloads, kind)
    with running(bench):
        for _ in range(3):  # two cores may be busy elsewhere: the best of three counts
            bench.clear()
            bench.send(function, steps=300, seconds=1.0)
            bench.wait_for_all(60)
            if took() <= WIDE_SECONDS:
                break
    assert took() <= WIDE_SECONDS
    assert Run.objects.get().output == 300
    assert Step.objects.filter(status=StepStatus.COMPLETED).count() == 300


def answer(*numbers: int) -> None:
    events.send([jobs.Event(name="test/answer", data={"number": n, "answer": f"for {n}"}) for n in numbers])


def test_2000_runs_wait_for_one_name_and_each_is_woken_by_its_own_event(bench: Bench) -> None:
    count = 2000
    with running(bench):
        send_numbered(bench, range(count))
        wait_until(lambda: Wait.objects.count() == count, 90, "all wait")
        answer(*range(0, count, 2))
        wait_until(lambda: Run.objects.filter(status=Status.COMPLETED).count() == count // 2, 60, "half of them")
        answer(*range(1, count, 2))
        bench.wait_for_all(60)
    assert bench.repeated() == {}
    assert not Wait.objects.exists()
    assert not Delivery.objects.exists()
    assert all(run.output == f"for {run.events.get().data['number']}" for run in Run.objects.all()[::10])


def send_numbered(bench: Bench, numbers: Any) -> None:
    bench.send_each(workloads.waits, [{"number": number} for number in numbers])


def test_events_sent_while_runs_begin_to_wait_are_never_missed(bench: Bench) -> None:
    """The sender is a moment behind each start, so that many events meet waits that are just being registered."""
    with running(bench):
        for number in range(150):
            bench.send(workloads.waits, number=number)
            # Held open for a moment, some of them before and some after the wait is there.
            wait_until(lambda number=number: len(bench.marks()) > number, 10, "the run at work")
            with transaction.atomic():
                answer(number)
                time.sleep(0.002 * (number % 5))
        time.sleep(1)
        # An event from before the wait began is none of its own: these get another.
        answer(*range(150))
        bench.wait_for_all(30)
    assert bench.repeated() == {}
    assert all(run.output == f"for {run.events.get().data['number']}" for run in Run.objects.all())


def test_a_worker_killed_between_registering_a_wait_and_suspending_loses_nothing(bench: Bench) -> None:
    with running(bench):
        bench.send(workloads.dies_waiting)
        wait_until(lambda: len(bench.marks()) == 1, 10, "the worker about to die")
        wait_until(Wait.objects.exists, 10, "the wait registered")
        answer(7)
        bench.wait_for_all(30)
    assert Run.objects.get().output == "for 7"
    assert Step.objects.filter(name="wait").count() == 1
    assert len(bench.marks()) == 2


def test_a_worker_killed_while_its_child_runs_or_has_just_ended_loses_nothing(bench: Bench) -> None:
    with running(bench) as cluster:
        for round_ in range(6):
            bench.send(workloads.parent, count=5, steps=2, seconds=0.05)
            time.sleep(0.05 * round_)
            wait_until(cluster.workers, 10, "a worker to kill")
            kill(cluster.workers()[0])
            bench.wait_for_all(40)
    parents = Run.objects.filter(function="workloads-parent")
    assert {str(run.output) for run in parents} == {"{'steps': 2}"}
    assert Run.objects.filter(function="workloads-steps").count() == parents.count() == 30
    assert not Delivery.objects.exists()


def test_deliveries_that_a_killed_worker_left_are_handed_over_by_the_next(bench: Bench) -> None:
    with running(bench) as cluster:
        send_numbered(bench, range(20))
        wait_until(lambda: Wait.objects.count() == 20, 20, "all wait")
        for pid in cluster.members():
            kill(pid)
    answer(*range(20))
    assert Delivery.objects.count() == 20
    with running(bench):
        bench.wait_for_all(30)
    assert not Delivery.objects.exists()
