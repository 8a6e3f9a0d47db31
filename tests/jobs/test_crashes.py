"""Whatever is killed with `kill -9`: finished steps are not run again, everything completes, nothing is left behind."""

import random
import time
from pathlib import Path

import pytest

from jobs.cluster.command import Exit
from jobs.conf import JobsSettings
from tests.jobs.cluster import Bench, Cluster, kill, running, wait_until, workloads

SAME_HOST_SECONDS = 5
OTHER_HOST_SECONDS = 15


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, and a folder for what workers write."""
    return Bench(database_url, tmp_path)


def holder(bench: Bench) -> int:
    """Return the process that executed the latest step."""
    return bench.marks()[-1][2]


def seconds_to_go_on(bench: Bench, seconds: float) -> float:
    """Wait until another process executes a step, and return how long that took."""
    before = holder(bench)
    return wait_until(lambda: holder(bench) != before, seconds, "another process goes on with the run")


def test_a_run_whose_worker_is_killed_goes_on_within_5_seconds_without_repeating_finished_steps(bench: Bench) -> None:
    with running(bench):
        bench.send(workloads.steps, steps=10, seconds=0.2)
        wait_until(lambda: len(bench.marks()) >= 5, 10, "five steps begun")
        finished = set(bench.journaled())
        kill(holder(bench))
        assert seconds_to_go_on(bench, 20) <= SAME_HOST_SECONDS
        bench.wait_for_all(15)
    repeated = bench.repeated()
    assert len(finished) >= 3
    assert not finished & set(repeated)
    # Only the step under way at the kill ran again.
    assert sum(repeated.values()) - len(repeated) <= 1
    assert len(bench.journaled()) == 10


def test_the_runs_of_a_killed_host_go_on_at_another_within_15_seconds(bench: Bench) -> None:
    with running(bench, host="attic", ready=False) as attic, running(bench, host="cellar") as cellar:
        attic.wait_until_ready()
        # Nobody is judged by a worker that has not itself been there for that long.
        time.sleep(JobsSettings.SILENT_SECONDS)
        bench.send(workloads.steps, steps=10, seconds=0.2)
        wait_until(lambda: len(bench.marks()) >= 4, 10, "the run at work")
        victim, survivor = (attic, cellar) if holder(bench) in attic.workers() else (cellar, attic)
        finished = set(bench.journaled())
        for pid in victim.members():
            kill(pid)
        assert seconds_to_go_on(bench, 30) <= OTHER_HOST_SECONDS
        assert holder(bench) in survivor.workers()
        bench.wait_for_all(10)
    assert len(finished) >= 3
    assert not finished & set(bench.repeated())
    assert len(bench.journaled()) == 10


def test_a_step_that_returned_is_not_run_again_when_the_body_kills_its_worker(bench: Bench) -> None:
    with running(bench):
        bench.send(workloads.dies_once)
        bench.wait_for_all(10)
    assert [step for _, step, _ in bench.marks()] == ["step-0", "step-1"]


def test_a_worker_that_dies_at_its_very_first_run_is_missed_within_5_seconds(bench: Bench) -> None:
    bench.send(workloads.dies_once)
    with running(bench, ready=False):
        wait_until(bench.marks, 20, "the first step")
        assert bench.wait_for_all(25) <= SAME_HOST_SECONDS
    assert [step for _, step, _ in bench.marks()] == ["step-0", "step-1"]


def test_450_runs_complete_while_15_workers_are_killed(bench: Bench) -> None:
    chance = random.Random(20)
    with running(bench, THREADS=16) as cluster:
        for round_ in range(15):
            bench.send(workloads.steps, count=30, steps=3, seconds=0.03)
            # Now in the middle of the work, now when it is done and all are idle.
            time.sleep(chance.uniform(0.05, 0.3))
            if round_ % 3 == 2:
                bench.wait_for_all(30)
            wait_until(cluster.workers, 10, "a worker to kill")
            kill(chance.choice(cluster.workers()))
        bench.wait_for_all(40)
        assert cluster.process.poll() is None
    assert bench.statuses() == {"COMPLETED": 450}
    assert len(bench.journaled()) == 1350
    assert sorted(bench.journaled()) == sorted(set(bench.journaled()))


def wait_until_replaced(cluster: Cluster, killed: int) -> None:
    wait_until(lambda: len(set(cluster.attendants()) - {killed}) == 2, 10, "a new one in the place of the killed")


def test_the_cluster_goes_on_when_its_monitor_and_its_pusher_are_killed(bench: Bench) -> None:
    # Short pumps: tokens are needed again and again.
    with running(bench, PUMP_SECONDS=0.3) as cluster:
        for place in (0, 1):
            before = cluster.attendants()
            assert len(before) == 2
            kill(before[place])
            bench.send(workloads.steps, count=40, steps=3, seconds=0.02)
            wait_until_replaced(cluster, before[place])
            bench.wait_for_all(15)
        assert cluster.process.poll() is None
    assert bench.repeated() == {}


def test_a_killed_sentinel_ends_the_whole_cluster_with_a_code_that_tells(bench: Bench) -> None:
    with running(bench) as cluster:
        bench.send(workloads.steps, count=20, steps=5, seconds=0.2)
        wait_until(lambda: len(bench.marks()) >= 40, 10, "all at work")
        finished = set(bench.journaled())
        kill(cluster.sentinel())
        assert cluster.exit_code(5) == Exit.SENTINEL_DIED
        cluster.wait_until_gone(3)
    with running(bench):
        bench.wait_for_all(20)
    assert not finished & set(bench.repeated())


def test_a_killed_main_leaves_no_orphan_and_nothing_is_lost(bench: Bench) -> None:
    with running(bench) as cluster:
        bench.send(workloads.steps, count=20, steps=5, seconds=0.2)
        wait_until(lambda: len(bench.marks()) >= 40, 10, "all at work")
        finished = set(bench.journaled())
        kill(cluster.process.pid)
        assert cluster.exit_code(5) == -9
        cluster.wait_until_gone(3)
    with running(bench):
        bench.wait_for_all(20)
    assert not finished & set(bench.repeated())


def test_a_run_that_kills_its_worker_every_time_is_failed_in_words_and_others_complete(bench: Bench) -> None:
    with running(bench, MAX_CRASHES=5):
        (deadly,) = bench.send(workloads.poison)
        # They need longer than the poison takes to kill the worker that they share with it.
        innocent = bench.send(workloads.steps, count=3, steps=1, seconds=1.0)
        wait_until(lambda: bench.statuses()["FAILED"], 60, "the poison failed")
        wait_until(lambda: not set(bench.statuses()) & {"QUEUED", "RUNNING"}, 30, "the innocent ended")
        ((error,),) = bench.rows("SELECT error FROM jobs_run WHERE id = %s", [deadly])
    assert bench.statuses() == {"FAILED": 1, "COMPLETED": len(innocent)}
    assert error["code"] == "crashed"
    assert "Its worker died 5 times" in error["message"]
