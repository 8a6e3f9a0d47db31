"""PostgreSQL goes away and comes back under load: everything completes by itself, and nobody is taken for dead."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.postgres import Server
from tests.jobs.cluster import Bench, own_server, running, wait_until, workloads

SETTINGS = {"HEARTBEAT_SECONDS": 1, "SILENT_SECONDS": 3}
LONG_STEP_SECONDS = 7.0
"""Longer, from the restart on, than the silence after which a worker wrongly thought dead would lose its runs."""
OUTAGE_SECONDS = 8.0
BACK_SECONDS = 4.0
"""Less than what a pool that doubles its pauses would still sleep after such an outage."""


@pytest.fixture(scope="module")
def migrated() -> Iterator[Server]:
    """A PostgreSQL of our own with the engine's tables: the one that other tests share stays up."""
    with own_server() as server:
        yield server


@pytest.fixture
def bench(migrated: Server, tmp_path: Path) -> Bench:
    """The server of our own without any runs, and a folder for what workers write."""
    bench = Bench(migrated.url(), tmp_path)
    bench.clear()
    return bench


def restart(server: Server, how: signal.Signals, away: float) -> None:
    """Stop the server that way, leave it down for a while and start it again."""
    server.stop(how)
    time.sleep(away)
    server.start()


def assert_every_step_ran_once(bench: Bench) -> None:
    """No worker was taken for dead: a worker that was cut off went on where it was."""
    assert bench.repeated() == {}
    assert sorted((run, step) for run, step, _ in bench.marks()) == sorted(bench.journaled())
    assert bench.rows("SELECT id FROM jobs_run WHERE crashes > 0") == []


@pytest.mark.parametrize(
    ("how", "away"),
    [
        pytest.param(signal.SIGINT, 0.5, id="fast"),
        pytest.param(signal.SIGQUIT, OUTAGE_SECONDS, id="immediate-and-long"),
    ],
)
def test_everything_completes_when_postgresql_is_restarted_under_load(
    migrated: Server, bench: Bench, how: signal.Signals, away: float
) -> None:
    with running(bench, **SETTINGS) as cluster:
        workers = set(cluster.workers())
        bench.send(workloads.steps, count=4, steps=1, seconds=away + LONG_STEP_SECONDS)
        bench.send(workloads.steps, count=150, steps=15, seconds=0.1)
        wait_until(lambda: len(bench.marks()) >= 300, 15, "all at work")
        restart(migrated, how, away)
        before = len(bench.marks())
        bench.send(workloads.steps, count=50, steps=2, seconds=0.05)
        wait_until(lambda: len(bench.marks()) > before, BACK_SECONDS, "steps go on")
        bench.wait_for_all(40)
        wait_until(lambda: set(cluster.workers()) == workers, 5, "the same workers report again")
    assert bench.statuses() == {"COMPLETED": 204}
    assert_every_step_ran_once(bench)
