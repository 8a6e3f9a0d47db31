"""What limits cost those who have none, and what an event for many functions costs its sender; no cluster may run."""

import statistics
import time
from collections.abc import Callable

from django.db import connection, transaction

from bench.measures import empty
from jobs import Client, ContextSync, Event, TriggerEvent
from jobs.database import connect
from jobs.events import send
from jobs.ids import new_id
from jobs.models import claiming
from jobs.models.agenda import agenda
from jobs.registry import registry

ROWS = 100_000
FUNCTIONS = 100
TIMES = 400

_FILL = """
INSERT INTO jobs_run (id, function, status, run_at, rank, priority, lease, attempt, crashes, steps, queued_at, trigger,
                      subject, current_step, parent_step, gated, concurrency_1, collected, woken, blocked_by)
SELECT gen_random_uuid(), 'bench', %s, moment, moment, 0, 0, 0, 0, 0, now(), 'bench/none', '', '', '', true, 'bench', 0,
       false, %s
FROM (SELECT now() + %s::interval + n * interval '1 microsecond' AS moment FROM generate_series(1, %s) AS n) AS filled
"""


def _tenth_percentile_ms(call: Callable[[], object], times: int = TIMES) -> float:
    """What a call costs when nothing else disturbs it, in milliseconds."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        took.append(time.perf_counter() - begun)
    return statistics.quantiles(took, n=10)[0] * 1000


def _round_ms() -> dict[str, float]:
    """Milliseconds of a claim of one run without limits, and of the look at what else there is to do."""
    with connect() as bare, bare.cursor() as cursor:

        def claim() -> None:
            cursor.execute("BEGIN")
            claiming.claim(cursor, new_id(), 1)
            cursor.execute("ROLLBACK")

        return {"claim": _tenth_percentile_ms(claim), "agenda": _tenth_percentile_ms(lambda: agenda(cursor))}


def beside_limits() -> dict[str, float]:
    """The same with nothing else in the table, and beside 100,000 runs behind a key and 100,000 asleep."""
    empty()
    before = _round_ms()
    with connection.cursor() as cursor:
        for status, behind, due in (("QUEUED", "bench", "-1 hour"), ("SLEEPING", None, "5 minutes")):
            cursor.execute(_FILL, [status, behind, due, ROWS])
        cursor.execute("ANALYZE jobs_run")
    beside = _round_ms()
    empty()
    after = _round_ms()
    alone = {what: statistics.mean([before[what], after[what]]) for what in before}
    ratios = {f"{what}_ratio": beside[what] / alone[what] for what in alone}
    return {**{f"{what}_ms": beside[what] for what in beside}, **ratios}


def fan_out_ms() -> float:
    """Milliseconds in which one event that starts 100 functions is sent, all rolled back; the median."""
    took = []
    with registry.isolated():
        client = Client(app_id="bench")
        for number in range(FUNCTIONS):
            client.create_function(fn_id=f"listener-{number}", trigger=TriggerEvent(event="bench/all"))(_nothing)
        for _ in range(50):
            with transaction.atomic():
                begun = time.perf_counter()
                [sent] = send([Event(name="bench/all", data={"n": 1})])
                took.append(time.perf_counter() - begun)
                transaction.set_rollback(True)
            if len(sent.run_ids) != FUNCTIONS:
                raise RuntimeError(f"{len(sent.run_ids)} functions were started, not {FUNCTIONS}")
    return statistics.median(took) * 1000


def _nothing(ctx: ContextSync) -> None:
    return None
