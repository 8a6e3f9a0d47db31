"""The engine's own functions: a newcomer's first run, and the daily prune."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection

from jobs import clock, conf
from jobs.client import client
from jobs.context import ContextSync
from jobs.models import pruning
from jobs.types import TriggerCron, TriggerEvent

BATCHES_PER_STEP = 20


@client.create_function(fn_id="hello-world", trigger=TriggerEvent(event="test/hello.world"))
def hello_world(ctx: ContextSync) -> dict[str, str]:
    """Greet somebody, in two steps: the first run to try."""
    greeting = ctx.step.run("create-greeting", _greet, str(ctx.event.data.get("name", "world")))
    at = ctx.step.run("add-timestamp", lambda: clock.now().isoformat(timespec="seconds"))
    return {"message": greeting, "at": at}


def _greet(name: str) -> str:
    return f"Hello, {name}!"


@client.create_function(fn_id="prune-history", trigger=TriggerCron(cron="17 3 * * *"))
def prune_history(ctx: ContextSync) -> dict[str, int]:
    """Delete runs and events older than `JOBS["RETENTION_DAYS"]`."""
    days = conf.settings().RETENTION_DAYS
    deleted = {"runs": 0, "events": 0, "ids": ctx.step.run("forget-event-ids", _prune, pruning.prune_ids)}
    deleted["keys"] = ctx.step.run("forget-unused-keys", _prune, pruning.prune_keys)
    ctx.step.run("forget-waits", _prune, pruning.prune_waits)
    if days <= 0:
        return deleted
    for what, prune in (("runs", pruning.prune_runs), ("events", pruning.prune_events)):
        portion = 0
        while (count := ctx.step.run(f"delete-{what}-{portion}", _prune_batches, prune, days)) > 0:
            deleted[what] += count
            portion += 1
            ctx.logger.info("Deleted %d %s", deleted[what], what)
    return deleted


def _prune(prune: Callable[..., int], *arguments: Any) -> int:
    with connection.cursor() as cursor:
        return prune(cursor, *arguments)


def _prune_batches(prune: Callable[..., int], days: int) -> int:
    """Delete some batches, so that a large backlog is neither one long statement nor thousands of steps."""
    deleted = 0
    for _ in range(BATCHES_PER_STEP):
        batch = _prune(prune, days)
        deleted += batch
        if batch < pruning.BATCH:
            break
    return deleted
