"""jobs.testing.worker: a real worker beside the test, which stops cleanly and leaves nothing open."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

import jobs
from jobs import testing
from jobs.models import Run, Worker
from jobs.types import Status
from tests.jobs.conftest import Engine


def ours() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("jobs-")}


def connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def soon(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 3
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()


def test_runs_are_executed_on_threads_beside_the_test(committing_engine: Engine) -> None:
    names: list[str] = []
    committing_engine.define(lambda ctx: ctx.step.run("note", names.append, threading.current_thread().name))
    with testing.worker() as worker:
        run = worker.wait_for(committing_engine.send())
    assert run.status == Status.COMPLETED
    assert names[0].startswith("jobs-")
    assert worker.wait_for(run) == worker.wait_for(str(run.pk)) == run


def test_it_leaves_no_thread_no_connection_and_no_heartbeat(committing_engine: Engine) -> None:
    committing_engine.define(lambda ctx: ctx.step.run("query", Run.objects.count))
    threads, open_after = ours(), []
    for _ in range(3):
        with testing.worker() as worker:
            worker.wait_for(committing_engine.send())
            assert Worker.objects.count() == 1
        assert soon(lambda: ours() == threads)
        time.sleep(0.1)
        open_after.append(connections())
    # Django's own pool may grow with the first of them.
    assert open_after[2] <= open_after[1]
    assert not Worker.objects.exists()


def test_what_still_runs_is_handed_back(committing_engine: Engine) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def body(ctx: jobs.ContextSync) -> None:
        begun.set()
        go_on.wait(10)

    run = committing_engine.start(body)
    with testing.worker(grace=0):
        assert begun.wait(5)
    go_on.set()
    assert Run.objects.get(pk=run.pk).status == Status.QUEUED
    assert soon(lambda: not ours())


def test_threads_limit_how_many_run_at_once(committing_engine: Engine) -> None:
    lock, at_once = threading.Semaphore(1), []

    def alone() -> None:
        at_once.append(lock.acquire(blocking=False))
        time.sleep(0.02)
        lock.release()

    committing_engine.define(lambda ctx: ctx.step.run("alone", alone))
    with testing.worker(threads=1) as worker:
        for event_id in jobs.send_sync([jobs.Event(name="test/event") for _ in range(4)]):
            worker.wait_for(event_id)
    assert at_once == [True] * 4


def test_a_status_can_be_waited_for_and_time_moved_meanwhile(committing_engine: Engine) -> None:
    run = committing_engine.start(lambda ctx: ctx.step.sleep("long", timedelta(days=1)))
    with testing.worker() as worker:
        worker.wait_for(run, status="SLEEPING")
        with testing.shift_clock(timedelta(days=1)):
            assert worker.wait_for(run).status == Status.COMPLETED


def test_all_runs_of_an_event_are_waited_for(committing_engine: Engine) -> None:
    for name in ("one", "two"):
        committing_engine.define(lambda ctx: ctx.step.run("work", lambda: 1), fn_id=name)
    with testing.worker() as worker:
        event_id = committing_engine.send()
        assert [run.output for run in worker.wait_for_all(event_id)] == [1, 1]
        with pytest.raises(AssertionError, match="started 2 runs"):
            worker.wait_for(event_id)


def test_waiting_in_vain_says_how_things_are(committing_engine: Engine) -> None:
    run = committing_engine.start(lambda ctx: ctx.step.sleep("long", timedelta(days=1)))
    with testing.worker() as worker:
        worker.wait_for(run, status=Status.SLEEPING)
        with pytest.raises(AssertionError, match=r"After 0 s stepwell-work \w+ is sleeping"):
            worker.wait_for(run, seconds=0)
        with pytest.raises(AssertionError, match="Nothing runs for"):
            worker.wait_for(uuid4(), seconds=0)


@pytest.mark.django_db
def test_inside_a_transaction_it_says_what_to_do() -> None:
    with pytest.raises(AssertionError, match=r"django_db\(transaction=True\)"), testing.worker():
        pass
