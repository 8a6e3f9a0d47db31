"""Verbs on many runs: a durable run of its own works through a selection page by page and shows how far it is."""

from __future__ import annotations

import enum
import math
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from jobs import actions, events
from jobs.client import client
from jobs.context import ContextSync
from jobs.errors import RefusedByRule, UnknownFunction
from jobs.models import Run
from jobs.selection import Selection
from jobs.types import ENDED, LIVE, Event, Source, Status, TriggerEvent

REQUESTED = "jobs/bulk.requested"
MOST = 100_000
"""Runs that one order may be about."""
_LEAST_PAGE, _MOST_PAGES = 100, 400
"""A page is a step, so a large order has large pages rather than more steps than a run may have."""


class Verb(enum.StrEnum):
    """What can be done to many runs."""

    RETRY = "retry"
    CANCEL = "cancel"
    REPLAY = "replay"


FITS: dict[Verb, tuple[Status, ...]] = {Verb.RETRY: (Status.FAILED,), Verb.CANCEL: LIVE, Verb.REPLAY: ENDED}
"""The statuses that a run must be in for a verb to mean anything."""


class Order(BaseModel):
    """What somebody wants done: to which runs, and over how many seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: Verb
    selection: Selection
    by: str
    spread: float = Field(default=0, ge=0, le=24 * 3600)

    def runs(self) -> Any:
        """Return the selected runs that are in a state for the verb; orders themselves are not given again."""
        runs = fitting(self.verb, self.selection).runs()
        return runs.exclude(trigger=REQUESTED) if self.verb == Verb.REPLAY else runs


def fitting(verb: Verb, selection: Selection) -> Selection:
    """Return what is left of a selection when only runs in a state for the verb count."""
    statuses = tuple(status for status in selection.statuses or FITS[verb] if status in FITS[verb])
    return selection.model_copy(update={"statuses": statuses, "ids": selection.ids if statuses else (_NOBODY,)})


_NOBODY = UUID(int=0)


def order(wanted: Order) -> Run:
    """Open the run that carries an order out."""
    event = Event(name=REQUESTED, data=wanted.model_dump(mode="json"))
    (sent,) = events.send([event], source=Source.INTERNAL, sender=wanted.by)
    return Run.objects.get(pk=sent.run_ids[0])


def act(verb: Verb, run: Run, *, by: actions.By) -> bool:
    """Do one verb to one run; False where there was nothing to do any more, or a rule of its function forbids it."""
    match verb:
        case Verb.RETRY:
            try:
                return actions.retry(run, by=by)
            except RefusedByRule:
                return False
        case Verb.CANCEL:
            return actions.cancel(run, by=by)
        case Verb.REPLAY:
            try:
                actions.rerun(run, by=by)
            except (UnknownFunction, RefusedByRule):  # the code has it no more, or another one lives
                return False
            return True


@client.create_function(fn_id="bulk", name="Bulk", trigger=TriggerEvent(event=REQUESTED), retries=3)
def bulk(ctx: ContextSync) -> dict[str, Any]:
    """Retry, cancel or replay many runs, oldest first; cancel this run to stop it half-way."""
    wanted = Order.model_validate(ctx.event.data)
    total = ctx.step.run("count", count, wanted)
    size, pause = pace(total, wanted.spread)
    ctx.logger.info("%s %d runs: %s", wanted.verb.capitalize(), total, wanted.selection.words())
    seen = done = number = 0
    after: str | None = ""
    while after is not None:
        if number and pause:
            ctx.step.sleep(f"pause-{number}", timedelta(seconds=pause))
        number += 1
        page = ctx.step.transaction(f"{wanted.verb}-{number}", _page, wanted, after, size)
        seen, done, after = seen + page["seen"], done + page["done"], page["last"]
        ctx.progress(min(seen, total), total, "runs")
    return {"verb": wanted.verb, "runs": seen, "done": done, "left_alone": seen - done}


def count(wanted: Order) -> int:
    """Return how many runs an order is about, as far as one may go."""
    return int(wanted.runs().order_by()[:MOST].count())


def pace(total: int, spread: float) -> tuple[int, float]:
    """Return how many runs make a page, and the seconds between two pages."""
    if not spread:
        return max(_LEAST_PAGE, math.ceil(total / _MOST_PAGES)), 0.0
    pages = max(1, min(_MOST_PAGES, total, int(spread)))
    size = max(1, math.ceil(total / pages))
    return size, spread / max(1, math.ceil(total / size))


def _page(wanted: Order, after: str, size: int) -> dict[str, Any]:
    runs = wanted.runs().order_by("pk").defer("output")
    found = list((runs.filter(pk__gt=UUID(after)) if after else runs)[:size])
    done = sum(act(wanted.verb, run, by=wanted.by) for run in found)
    return {"seen": len(found), "done": done, "last": str(found[-1].pk) if len(found) == size else None}
