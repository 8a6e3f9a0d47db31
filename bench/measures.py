"""What is measured, each as one function that returns its figures."""

import os
import signal
import statistics
import threading
import time
from typing import Any

from django.db import connection

from bench.place import Cluster, cluster
from jobs import Event
from jobs.database import connect
from jobs.events import send
from jobs.ids import new_id
from jobs.models import Run, Worker, claiming

FLOOR_ROWS = 300
ROUNDS = 15


def send_many(name: str, count: int) -> None:
    """Send that many events of one name at once."""
    send([Event(name=name) for _ in range(count)])


def wait_until_done(seconds: float = 120.0) -> None:
    """Wait until no run is live."""
    until = time.monotonic() + seconds
    while Run.objects.live().exists():
        if time.monotonic() > until:
            raise RuntimeError(f"Still live after {seconds:.0f} s: {Run.objects.live().count()} runs")
        time.sleep(0.02)


def query(statement: str, *parameters: Any) -> Any:
    """Return the first row of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()


def floor_us() -> float:
    """Microseconds of a bare single-row INSERT with its commit, through the same driver."""
    with connect() as bare:
        bare.execute("CREATE TABLE IF NOT EXISTS bench_floor (run uuid, key text, output text, at timestamptz)")
        run, times = new_id(), []
        for number in range(FLOOR_ROWS):
            begun = time.perf_counter()
            bare.execute("INSERT INTO bench_floor VALUES (%s, %s, %s, now())", [run, str(number), "null"])
            times.append(time.perf_counter() - begun)
        return statistics.median(times) * 1e6


def step_and_floor() -> tuple[float, float]:
    """Microseconds of a journaled step in a lone run, and of the floor, measured in turn."""
    steps, floors = [], []
    for _ in range(ROUNDS):
        floors.append(floor_us())
        send_many("bench/many", 1)
        wait_until_done()
        row = query(
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FROM ("
            " SELECT extract(epoch FROM lead(started_at) OVER (ORDER BY index) - started_at) AS took FROM jobs_step"
            " WHERE run_id = (SELECT id FROM jobs_run ORDER BY id DESC LIMIT 1)) AS steps"
        )
        # From one step's start to the next one's: its handler, its journal write and what lies between.
        steps.append(float(row[0]) * 1e6)
    return statistics.median(steps), statistics.median(floors)


def drain_per_s(runs: int = 2000, rounds: int = 3) -> list[float]:
    """One-step runs per second, from the first start to the last end, once a round."""
    rates = []
    for _ in range(rounds):
        send_many("bench/one", runs)
        wait_until_done()
        row = query(
            "SELECT extract(epoch FROM max(ended_at) - min(started_at))"
            " FROM (SELECT * FROM jobs_run ORDER BY id DESC LIMIT %s) AS last",
            runs,
        )
        rates.append(runs / float(row[0]))
    return rates


def latency_ms(count: int = 300) -> dict[str, float]:
    """Milliseconds from before a send to the start of its run on an idle cluster."""
    waits = []
    for _ in range(count):
        before = time.time()
        [sent] = send([Event(name="bench/one")])
        time.sleep(0.015)
        wait_until_done()
        started = Run.objects.get(pk=sent.run_ids[0]).started_at
        waits.append((started.timestamp() - before) * 1000 if started else float("nan"))
    cuts = statistics.quantiles(waits, n=100)
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def io500(running: Cluster) -> dict[str, float]:
    """500 runs that each wait a second: seconds in all, and the most database connections and memory meanwhile."""
    most = {"connections": 0, "pss_mb": 0.0}
    done = threading.Event()

    def watch() -> None:
        with connect() as observer:
            while not done.wait(0.05):
                row = observer.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                ).fetchone()
                most["connections"] = max(most["connections"], row[0] if row else 0)
            most["pss_mb"] = running.pss_mb()

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.perf_counter()
    send_many("bench/io", 500)
    time.sleep(1.0)
    wait_until_done()
    wall = time.perf_counter() - begun
    done.set()
    watcher.join()
    return {"wall_s": wall, **most}


def claim_ms(count: int = 400) -> float:
    """Milliseconds of a claim of one run out of those that are due, in a transaction that is rolled back.

    The tenth percentile: what a claim costs when nothing else disturbs it, for filling a table leaves the server
    writing back for a while.
    """
    times = []
    with connect() as bare, bare.cursor() as cursor:
        for _ in range(count):
            begun = time.perf_counter()
            cursor.execute("BEGIN")
            claiming.claim(cursor, new_id(), 1)
            cursor.execute("ROLLBACK")
            times.append(time.perf_counter() - begun)
    return statistics.quantiles(times, n=10)[0] * 1000


def fill(count: int, status: str, due_in: str) -> None:
    """Add that many runs, due one after the other from so far ahead on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_run (id, function, status, run_at, priority, lease, attempt, crashes, steps, queued_at,"
            " trigger, subject, current_step, parent_step, gated, collected, woken)"
            " SELECT gen_random_uuid(), 'bench', %s, now() + %s::interval + n * interval '1 microsecond',"
            " 0, 0, 0, 0, 0, now(), 'bench/none', '', '', '', false, 0, false FROM generate_series(1, %s) AS n",
            [status, due_in, count],
        )
        cursor.execute("ANALYZE jobs_run")


def empty() -> None:
    """Leave one due run in the table and nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE jobs_run, jobs_runevent, jobs_event, jobs_step")
    send_many("bench/one", 1)


def claims(count: int = 1_000_000) -> dict[str, float]:
    """Milliseconds of a claim with nothing else in the table, and with a million runs more; no cluster may run.

    The million is measured three times: ready, due in a month, and waking in five minutes.
    """
    empties, fulls = [], {}
    for kind, status, due_in in (
        ("ready", "QUEUED", "-1 second"),
        ("far_future", "SLEEPING", "30 days"),
        ("soon_waking", "SLEEPING", "5 minutes"),
    ):
        empty()
        empties.append(claim_ms())
        fill(count, status, due_in)
        fulls[kind] = claim_ms()
    empty()
    empties.append(claim_ms())
    # The slowest of the three is what the bar is for.
    return {"empty": statistics.median(empties), "million": max(fulls.values()), **fulls}


def kill9_resume_s() -> float:
    """Seconds from the `kill -9` of the worker in the middle of a run to the start of its next step."""
    with cluster(workers=2) as running:
        [sent] = send([Event(name="bench/slow")])
        time.sleep(1.0)
        run = Run.objects.get(pk=sent.run_ids[0])
        victim = Worker.objects.get(pk=run.worker).pid
        if victim not in running.processes():
            raise RuntimeError("The run's worker is not one of this cluster")
        os.kill(victim, signal.SIGKILL)
        killed = time.time()
        wait_until_done()
        row = query(
            "SELECT min(extract(epoch FROM started_at)) FROM jobs_step WHERE run_id = %s"
            " AND started_at > to_timestamp(%s)",
            sent.run_ids[0],
            killed,
        )
        return float(row[0]) - killed
