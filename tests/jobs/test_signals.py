"""SIGTERM and Ctrl-C, to main or to its whole process group: running steps finish or are handed back, in time."""

import signal
from pathlib import Path

import pytest

from jobs.cluster.command import Exit
from tests.jobs.cluster import Bench, Cluster, running, wait_until, workloads

GRACE_SECONDS = 4
SLACK_SECONDS = 4
"""For processes to end on a busy machine, once their steps have."""

TO_WHOM = [
    pytest.param(signal.SIGTERM, False, id="sigterm-to-main"),
    pytest.param(signal.SIGTERM, True, id="sigterm-to-the-group"),
    pytest.param(signal.SIGINT, True, id="ctrl-c"),
]


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, and a folder for what workers write."""
    return Bench(database_url, tmp_path)


def assert_it_stops_in_order(cluster: Cluster, seconds: float) -> None:
    """Main answers 0 in time, no process is left, and no run is held."""
    assert cluster.exit_code(seconds) == Exit.STOPPED
    cluster.wait_until_gone(1)
    assert cluster.bench.statuses()["RUNNING"] == 0
    assert cluster.bench.rows("SELECT * FROM jobs_worker") == []


@pytest.mark.parametrize(("number", "group"), TO_WHOM)
def test_an_idle_cluster_stops_at_once(bench: Bench, number: signal.Signals, group: bool) -> None:
    with running(bench, GRACE_SECONDS=GRACE_SECONDS) as cluster:
        cluster.interrupt(number, group=group)
        assert_it_stops_in_order(cluster, SLACK_SECONDS)


@pytest.mark.parametrize(("number", "group"), TO_WHOM)
def test_running_steps_finish_and_their_runs_go_back_to_the_queue(
    bench: Bench, number: signal.Signals, group: bool
) -> None:
    with running(bench, GRACE_SECONDS=GRACE_SECONDS) as cluster:
        bench.send(workloads.steps, count=30, steps=20, seconds=0.5)
        wait_until(lambda: len(bench.marks()) >= 45, 10, "30 runs in flight")
        cluster.interrupt(number, group=group)
        assert_it_stops_in_order(cluster, GRACE_SECONDS + SLACK_SECONDS)
    assert bench.statuses() == {"QUEUED": 30}
    # Each step that began was let finish, and is in the journal.
    began = sorted((run, step) for run, step, _ in bench.marks())
    assert began == sorted((run, step) for run, step, _ in bench.marks("end")) == sorted(bench.journaled())


def test_what_a_stopped_cluster_handed_back_is_completed_by_the_next_one(bench: Bench) -> None:
    with running(bench, GRACE_SECONDS=GRACE_SECONDS) as cluster:
        bench.send(workloads.steps, count=30, steps=6, seconds=0.2)
        wait_until(lambda: len(bench.marks()) >= 45, 10, "30 runs in flight")
        cluster.interrupt(signal.SIGTERM, group=True)
        assert_it_stops_in_order(cluster, GRACE_SECONDS + SLACK_SECONDS)
    with running(bench):
        bench.wait_for_all(15)
    assert bench.repeated() == {}
    assert len(bench.journaled()) == 180


def test_a_step_longer_than_the_grace_is_handed_back(bench: Bench) -> None:
    with running(bench, GRACE_SECONDS=1) as cluster:
        bench.send(workloads.steps, count=3, steps=1, seconds=60)
        wait_until(lambda: len(bench.marks()) == 3, 10, "three steps under way")
        cluster.interrupt(signal.SIGTERM)
        assert_it_stops_in_order(cluster, 1 + SLACK_SECONDS)
    assert bench.statuses() == {"QUEUED": 3}
    # Due at once, nothing journaled, and not counted as a crash.
    assert bench.rows("SELECT DISTINCT run_at <= now(), crashes, attempt FROM jobs_run") == [(True, 0, 0)]
    assert bench.journaled() == []
    assert bench.marks("end") == []


def test_a_stop_during_the_start_is_heard(bench: Bench) -> None:
    with running(bench, ready=False) as cluster:
        wait_until(lambda: len(cluster.members()) > 1, 20, "the first child")
        cluster.interrupt(signal.SIGTERM)
        assert cluster.exit_code(10) == Exit.STOPPED
        cluster.wait_until_gone(1)


def test_a_program_that_a_step_starts_still_hears_signals(bench: Bench) -> None:
    with running(bench):
        (run,) = bench.send(workloads.child)
        wait_until(lambda: not set(bench.statuses()) & {"QUEUED", "RUNNING"}, 15, "the run ended")
    assert bench.rows("SELECT status, output::text FROM jobs_run WHERE id = %s", [run]) == [("COMPLETED", "-15")]
