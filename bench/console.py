"""What the console's pages cost with a million runs in the table: `python -m bench.console`."""

import os
import statistics
import sys
import time
from typing import Any

from bench.place import database

RUNS, EVENTS, STEPS = 1_000_000, 300_000, 1000
ROUNDS = 5

# Thirty days of work, busier towards now. One run in fifty failed, one in two hundred was stopped, the newest are live.
_FILL = """
INSERT INTO jobs_run (id, function, status, run_at, priority, lease, attempt, crashes, steps, queued_at, started_at,
                      ended_at, trigger, subject, current_step, parent_step, gated, collected, woken, error,
                      output)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3)
        || '8' || substr(md5(n::text), 4, 15))::uuid,
       'stepwell-' || CASE WHEN n %% 5000 = 7 THEN 'prune-history' WHEN n %% 3 = 0 THEN 'hello-world'
                           ELSE 'parse-transcript' END,
       status, CASE WHEN status IN ('QUEUED', 'SLEEPING') THEN at + interval '90 seconds' END,
       0, 1, 0, 0, 3, at,
       CASE WHEN status <> 'QUEUED' THEN at + interval '50 ms' END,
       CASE WHEN status IN ('COMPLETED', 'FAILED', 'CANCELLED')
            THEN at + interval '50 ms' + (n %% 997) * interval '9 ms' END,
       CASE WHEN n %% 5000 = 7 THEN 'jobs/scheduled.timer' WHEN n %% 3 = 0 THEN 'test/hello.world'
            ELSE 'transcript/uploaded' END,
       CASE WHEN n %% 3 = 0 THEN '' ELSE 'transcripts.transcript/' || n %% 20000 END, '', '', false, 0, false,
       CASE WHEN status = 'FAILED' THEN json_build_object('code', 'error', 'name', 'ServerError',
            'message', 'The model is overloaded.' || chr(10) || (500 + n %% 7) || ' from the parser', 'stack', '')
       END,
       CASE WHEN status = 'COMPLETED' THEN '{"pains": 3, "people": 4, "quotes": 11}'::json END
FROM (
    SELECT n, now() - interval '30 days' * power(1 - n::float8 / %(runs)s, 1.5) AS at,
           CASE WHEN n > %(runs)s - 40 THEN 'QUEUED' WHEN n %% 40000 = 3 THEN 'SLEEPING' WHEN n %% 50 = 1 THEN 'FAILED'
                WHEN n %% 200 = 2 THEN 'CANCELLED' ELSE 'COMPLETED' END AS status
    FROM generate_series(1, %(runs)s) AS n
) AS made
"""
_EVENTS = """
INSERT INTO jobs_event (id, name, data, ts, received_at, external_id, duplicate, source, sender, note)
SELECT id, trigger, json_build_object('transcript_id', right(id::text, 4), 'client_id', row_number() OVER () %% 5000),
       0, queued_at, '', false, CASE WHEN right(id::text, 2) = '0a' THEN 'manual' ELSE 'event' END, '', ''
FROM (SELECT id, trigger, queued_at FROM jobs_run ORDER BY id DESC LIMIT %(events)s) AS newest
"""
_LINKS = "INSERT INTO jobs_runevent (run_id, event_id, position) SELECT id, id, 0 FROM jobs_event"
_LONG = """
INSERT INTO jobs_step (run_id, key, name, index, op, status, started_at, ended_at, tries, output)
SELECT %(run)s, 'k' || n, 'import-row-' || n, n, 'run', 'COMPLETED', now() + n * interval '20 ms',
       now() + n * interval '20 ms' + interval '15 ms', 0, json_build_object('row', n, 'name', 'Ada', 'ok', true)
FROM generate_series(1, %(steps)s) AS n
"""


def fill() -> str:
    """Fill the tables and return the id of a run with a thousand steps."""
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in (_FILL, _EVENTS, _LINKS):
            cursor.execute(statement, {"runs": RUNS, "events": EVENTS})
        cursor.execute("SELECT id FROM jobs_run WHERE status = 'COMPLETED' ORDER BY id DESC LIMIT 1")
        run = str(cursor.fetchone()[0])
        cursor.execute(_LONG, {"run": run, "steps": STEPS})
        cursor.execute("VACUUM ANALYZE")
    return run


def addresses(run: str) -> dict[str, tuple[str, int]]:
    """Return what is opened, by name, with the milliseconds it may take."""
    runs = "/admin/jobs/run/?"
    lists = {
        "all": "", "failed": "status=failed", "completed": "status=completed", "cancelled": "status=cancelled",
        "sleeping": "status=sleeping", "queued": "status=queued", "frequent function": "function=stepwell-hello-world",
        "rare function": "function=stepwell-prune-history", "frequent event": "trigger=transcript/uploaded",
        "rare event": "trigger=jobs/scheduled.timer", "object": "subject=transcripts.transcript/42", "day": "time=24h",
        "yesterday": "time=yesterday&status=failed", "manual": "source=manual", "cron": "source=cron",
        "again": "source=again", "attempts": "attempts=more", "words": "q=overloaded", "id": f"q={run}",
        "data": "q=data.client_id:42", "both": "function=stepwell-parse-transcript&status=failed&time=7d",
    }  # fmt: skip
    pages = {f"Runs, {name}": (runs + query, 200) for name, query in lists.items()}
    return {
        "Overview": ("/admin/", 300),
        "Overview, 7 days": ("/admin/?span=7d", 300),
        **pages,
        "Run of 1,000 steps": (f"/admin/jobs/run/{run}/", 500),
        "Events": ("/admin/jobs/event/", 200),
        "Events, by name": ("/admin/jobs/event/?q=transcript", 200),
        "Functions": ("/admin/jobs/function/", 300),
        "Function": ("/admin/jobs/function/stepwell-hello-world/", 300),
        "Schedules": ("/admin/jobs/schedule/", 200),
        "Workers": ("/admin/jobs/worker/", 200),
    }


def measure(run: str) -> None:
    """Print the median time and the number of queries of each page beside its bar."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("olga"))
    for name, (address, bar) in addresses(run).items():
        client.get(address)
        took = statistics.median(_milliseconds(client, address) for _ in range(ROUNDS))
        asked = _queries(client, address)
        verdict = "" if took <= bar else "  TOO SLOW"
        sys.stdout.write(f"{name:<28} {took:7.0f} ms  {len(asked):2} queries  <= {bar} ms{verdict}\n")
        if verdict and os.environ.get("SHOW"):
            sys.stdout.writelines(f"    {query}\n" for query in asked)


def _milliseconds(client: Any, address: str) -> float:
    begun = time.perf_counter()
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}")
    return (time.perf_counter() - begun) * 1000


def _queries(client: Any, address: str) -> list[str]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    return [f"{query['time']} {query['sql']}" for query in asked]


def main() -> None:
    """Make a database, fill it, measure and drop it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["STATIC_FROM_SOURCE"] = "1"
    with database():
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        begun = time.perf_counter()
        run = fill()
        sys.stdout.write(f"Filled {RUNS:,} runs and {EVENTS:,} events in {time.perf_counter() - begun:.0f} s\n")
        measure(run)
        from django.db import connection

        connection.close()
        connection.close_pool()


if __name__ == "__main__":
    main()
