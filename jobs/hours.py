"""Counts the runs of each hour once it is over: what pages show of days then costs no look at their runs."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Max

from jobs import clock
from jobs.client import client
from jobs.context import ContextSync
from jobs.models import Hour, hour
from jobs.types import TriggerCron

HOUR = timedelta(hours=1)
AGAIN = timedelta(hours=24)
"""Hours that are counted anew each time: runs that began in them may end, or be retried, hours later."""
KEPT = timedelta(days=31)
_FIRST_TIME = timedelta(days=7)


@client.create_function(fn_id="count-hours", name="Count hours", trigger=TriggerCron(cron="2 * * * *"), retries=3)
def count_hours(ctx: ContextSync) -> dict[str, int]:
    """Count how the runs of the last hours ended, for the overview and the functions' pages."""
    now = datetime.fromisoformat(ctx.step.run("which", _full_hour))
    begin = datetime.fromisoformat(ctx.step.run("since", _since, now.isoformat()))
    rows = 0
    while begin < now:
        end = min(begin + AGAIN, now)
        rows += ctx.step.transaction(f"count-{begin:%m%d-%H}", _count, begin.isoformat(), end.isoformat())
        begin = end
    return {"rows": rows}


def _full_hour() -> str:
    return clock.now().replace(minute=0, second=0, microsecond=0).isoformat()


def _since(now: str) -> str:
    """Return from where to count: a day back, or from where nobody has counted yet."""
    until = datetime.fromisoformat(now)
    last = Hour.objects.aggregate(last=Max("hour"))["last"]
    first = until - _FIRST_TIME if last is None else min(last + HOUR, until - AGAIN)
    return max(first, until - KEPT).isoformat()


def _count(begin: str, end: str) -> int:
    since, until = datetime.fromisoformat(begin), datetime.fromisoformat(end)
    with connection.cursor() as cursor:
        hour.forget(cursor, until - KEPT)
        return hour.count(cursor, since, until)
