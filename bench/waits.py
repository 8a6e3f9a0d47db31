"""What waiting, long runs and groups cost, each as one function that returns its figures."""

import statistics
import time
from typing import Any

from django.db import connection

from bench.measures import wait_until_done
from jobs import Event
from jobs.events import send
from jobs.models import Delivery, Run

WAITS = 10_000
SENDS = 30


def matched_ms() -> dict[str, float]:
    """Milliseconds of sending one event of a name that 10,000 runs wait for; no cluster may run.

    one: each waits for an id of its own, by a condition that an index answers. nobody: the id is nobody's.
    evaluated: no index can answer the conditions, so all are evaluated, and one is met.
    """
    indexed = ("async.data.id == event.data.id", "data.id")
    plain = ("async.data.id - event.data.id == 0", "")
    figures = {}
    for name, (expression, path), wanted in (
        ("one", indexed, lambda n: n),
        ("nobody", indexed, lambda n: -1 - n),
        ("evaluated", plain, lambda n: n),
    ):
        _register(expression, path)
        figures[name] = statistics.median(_send_ms({"id": wanted(n)}) for n in range(1, SENDS))
        found = Delivery.objects.count()
        if found != (0 if name == "nobody" else SENDS - 1):
            raise RuntimeError(f"{found} waits were met, of {SENDS - 1} events")
    _clear()
    return figures


def _send_ms(data: dict[str, Any]) -> float:
    begun = time.perf_counter()
    send([Event(name="bench/answer", data=data)])
    return (time.perf_counter() - begun) * 1000


def _register(expression: str, path: str) -> None:
    """Have that many runs wait for one event name, each started by an event with an id of its own."""
    _clear()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_event (id, name, data, ts, received_at, external_id, duplicate, source, sender, note)"
            " SELECT lpad(n::text, 32, '0')::uuid, 'bench/none', json_build_object('id', n), 0, now(), '', false,"
            " 'event', '', '' FROM generate_series(1, %s) AS n",
            [WAITS],
        )
        cursor.execute(
            "INSERT INTO jobs_runevent (run_id, event_id, position) SELECT id, id, 0 FROM jobs_event",
        )
        cursor.execute(
            "INSERT INTO jobs_wait (run, step, event, expression, path, value, registered_at, since, snapshot)"
            " SELECT lpad(n::text, 32, '0')::uuid, 'step', 'bench/answer', %s, %s,"
            " CASE WHEN %s = '' THEN '' ELSE n::text END, now(), now(), pg_current_snapshot()::text"
            " FROM generate_series(1, %s) AS n",
            [expression, path, path, WAITS],
        )
        cursor.execute("ANALYZE jobs_wait, jobs_runevent, jobs_event")


def _clear() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE jobs_run, jobs_runevent, jobs_event, jobs_step, jobs_wait, jobs_delivery")


def _duration(name: str, **data: Any) -> float:
    """Seconds that one run takes on a cluster that has nothing else to do."""
    [sent] = send([Event(name=name, data=data)])
    wait_until_done()
    took = Run.objects.get(pk=sent.run_ids[0]).duration
    return float("nan") if took is None else took


def per_step_us(rounds: int = 5) -> dict[str, float]:
    """Microseconds per step in a run of 100 steps and in one of 1,000: the same if the cost grows with the number."""
    return {
        str(steps): statistics.median(_duration("bench/counted", steps=steps) for _ in range(rounds)) / steps * 1e6
        for steps in (100, 1000)
    }


def wide_s(rounds: int = 3) -> float:
    """Seconds of a run whose group has 300 steps of a second each."""
    return statistics.median(_duration("bench/wide") for _ in range(rounds))
