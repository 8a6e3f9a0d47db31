"""Two hosts whose clocks are twenty minutes apart: the database's decides how long anything takes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.cluster import Bench, Cluster, running, wait_until, workloads

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not LIBRARIES, reason="faketime is not installed"),
]
AHEAD, BEHIND = "+10m", "-10m"


def clock_of(offset: str) -> dict[str, str]:
    """Return the environment of a process whose host's clock is wrong by this."""
    return {"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.fixture
def hosts(database_url: str, tmp_path: Path) -> Iterator[tuple[Bench, list[Cluster]]]:
    """Two clusters, one of a host that is ten minutes ahead and one of a host that is as far behind."""
    bench = Bench(database_url, tmp_path)
    bench.clear()
    with ExitStack() as stack:
        clusters = [
            stack.enter_context(running(bench, host=host, ready=False, environment=clock_of(offset)))
            for host, offset in (("ahead", AHEAD), ("behind", BEHIND))
        ]
        for cluster in clusters:
            cluster.wait_until_ready()
        yield bench, clusters


def spans(bench: Bench, step: str) -> list[float]:
    """Return how many seconds each run spent from its start to its end, for runs that have this step."""
    query = """
        SELECT extract(epoch FROM run.ended_at - run.started_at)::float8 FROM jobs_run run
        WHERE run.ended_at IS NOT NULL AND EXISTS (SELECT 1 FROM jobs_step WHERE run_id = run.id AND name = %s)
    """
    return [seconds for (seconds,) in bench.rows(query, [step])]


def test_a_host_under_test_has_a_clock_of_its_own() -> None:
    command = ["date", "+%s"]
    told = [
        int(subprocess.check_output(command, env=os.environ | environment))
        for environment in ({}, clock_of(AHEAD), clock_of(BEHIND))
    ]
    assert [round((one - told[0]) / 60) for one in told] == [0, 10, -10]


def test_pauses_take_as_long_as_they_should_on_both(hosts: tuple[Bench, list[Cluster]]) -> None:
    bench, clusters = hosts
    bench.send(workloads.pauses, 40)
    wait_until(lambda: bench.statuses()["COMPLETED"] == 40, 30, f"all runs completed; {bench.statuses()}")
    # 1 s of sleep, 1 s of backoff and 1 s of a wait that nothing meets.
    took = spans(bench, "nap")
    assert len(took) == 40
    assert all(3 <= seconds < 12 for seconds in took), sorted(took)
    hosts_used = bench.rows("SELECT DISTINCT worker.host FROM jobs_run JOIN jobs_worker worker ON worker.id = worker")
    assert {host for (host,) in hosts_used} == {"ahead", "behind"}, "both had work"
    assert _alive(bench, clusters)
    assert _journal_is_sane(bench)


def _alive(bench: Bench, clusters: list[Cluster]) -> bool:
    """Whether every worker has reported within the last seconds of the database's clock, and none was given up."""
    late = bench.rows("SELECT count(*) FROM jobs_worker WHERE abs(extract(epoch FROM now() - seen_at)) > 10")
    return late == [(0,)] and bench.rows("SELECT count(*) FROM jobs_run WHERE crashes > 0") == [(0,)]


def _journal_is_sane(bench: Bench) -> bool:
    """Whether steps began and ended within their run, as the database saw it."""
    query = """
        SELECT step.name, step.started_at, step.ended_at, run.started_at, run.ended_at
        FROM jobs_step step JOIN jobs_run run ON run.id = step.run_id
        WHERE abs(extract(epoch FROM step.started_at - run.started_at)) > 20
           OR abs(extract(epoch FROM step.ended_at - run.started_at)) > 20
    """
    return bench.rows(query) == []


def test_a_tick_comes_on_time_on_both(hosts: tuple[Bench, list[Cluster]]) -> None:
    bench, _ = hosts

    def ticks() -> list[Any]:
        query = "SELECT queued_at, trigger FROM jobs_run WHERE trigger = 'jobs/scheduled.timer' ORDER BY queued_at"
        return bench.rows(query)

    rows = bench.rows("SELECT id FROM jobs_schedule ORDER BY id LIMIT 1")
    assert rows, "the clusters have schedules"
    schedule_id = rows[0][0]
    moved = bench.rows(
        "UPDATE jobs_schedule SET next_at = now() + interval '3 seconds' WHERE id = %s RETURNING next_at", [schedule_id]
    )
    due: datetime = moved[0][0]
    wait_until(ticks, 10, "the tick started a run")
    found = ticks()
    assert len(found) == 1
    assert 0 <= (found[0][0] - due).total_seconds() < 1.5
    [(following,)] = bench.rows("SELECT next_at > now() FROM jobs_schedule WHERE id = %s", [schedule_id])
    assert following
