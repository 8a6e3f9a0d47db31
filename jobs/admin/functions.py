"""The Functions pages: what the code defines, how it goes, and starting one by hand."""

from __future__ import annotations

import inspect
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest, QueryDict

from jobs import clock, identity, starting
from jobs.admin import limits, payload
from jobs.admin.filtering import page
from jobs.admin.overview import Bar
from jobs.function import Function
from jobs.models import Event, FunctionState, Run, hour
from jobs.models.hour import Counted
from jobs.models.standing import Paused, Standing, last_ended, standing
from jobs.registry import registry
from jobs.selection import NEWEST, Selection
from jobs.types import Status

HOURS = 24
RECENT = 10


@dataclass
class Going:
    """How a function has gone in the last 24 hours."""

    bars: list[Bar] = field(default_factory=list)
    ended: int = 0
    failed: int = 0
    p50: float | None = None
    p95: float | None = None
    live: int = 0
    state: Paused | None = None
    last: Run | None = None

    @property
    def paused(self) -> bool:
        """Whether somebody has paused it."""
        return self.state is not None

    @property
    def success(self) -> int | None:
        """Percent of the ended runs that did not fail."""
        return round(100 * (self.ended - self.failed) / self.ended) if self.ended else None


def goings(functions: list[Function[Any]], now: datetime) -> dict[str, Going]:
    """Return how each function goes; four queries however many there are."""
    ids = [function.id for function in functions]
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    counted = hour.counted(first, each=True, function=ids[0] if len(ids) == 1 else "")
    found = {name: Going(bars=bars) for name, bars in _bars(ids, counted, first).items()}
    stands = standing()
    _add_counts(found, counted, stands)
    for paused in stands.paused:
        if paused.function in found:
            found[paused.function].state = paused
    for run in Run.objects.filter(pk__in=last_ended(ids)).defer("output"):
        found[run.function].last = run
    return found


def _bars(ids: list[str], counted: Counted, first: datetime) -> dict[str, list[Bar]]:
    slots: dict[str, list[list[int]]] = {name: [[0, 0] for _ in range(HOURS)] for name in ids}
    for name, begin, status, n in counted.ended:
        if name in slots:
            slots[name][(begin - first) // timedelta(hours=1)][status == Status.FAILED] += n
    return {
        name: [
            Bar(first + timedelta(hours=number), good, bad, max([1, *map(sum, each)]))
            for number, (good, bad) in enumerate(each)
        ]
        for name, each in slots.items()
    }


def _add_counts(found: dict[str, Going], counted: Counted, stands: Standing) -> None:
    took: dict[str, Counter[int]] = defaultdict(Counter)
    for name, bucket, n in counted.took:
        took[name][bucket] += n
    for name, going in found.items():
        going.ended = sum(bar.good + bar.bad for bar in going.bars)
        going.failed = sum(bar.bad for bar in going.bars)
        going.p50, going.p95 = hour.percentile(took[name], 0.5), hour.percentile(took[name], 0.95)
        going.live = sum(n for (function, _), n in stands.live.items() if function == name)


def listing() -> dict[str, Any]:
    """Return what the list of functions shows; what handles failures is in it once it has had something to do."""
    functions = registry.all()
    going = goings(functions, clock.now())
    shown = [each for each in functions if each.failure_of is None or going[each.id].last or going[each.id].live]
    rows = [{"function": each, "triggers": limits.triggers(each), "going": going[each.id]} for each in shown]
    return {"rows": rows}


def known(function_id: str) -> Function[Any]:
    """Return a function of the code, or answer 404 in words."""
    found = next((function for function in registry.all() if function.id == function_id), None)
    if found is None:
        raise Http404("The code has no such function. Its runs, if any, are in the list of runs.")
    return found


def detail(request: HttpRequest, function_id: str) -> dict[str, Any]:
    """Return what the page of one function shows."""
    function = known(function_id)
    going = goings([function], clock.now())[function.id]
    full = request.user.has_perm("jobs.view_payload")
    name = starting.event_name(function)
    last = Event.objects.filter(name=name).order_by("-received_at").first() if name and full else None
    return {
        "function": function,
        "going": going,
        "bars": going.bars,
        "doc": (inspect.getdoc(function.handler) or "").partition("\n\n")[2],
        "triggers": limits.triggers(function),
        "limits": limits.limits(function),
        "runs": page(Selection(function=function.id), QueryDict()).runs[:RECENT],
        "event_name": name,
        "can_start": starting.can_start(function),
        "waiting": _waiting(function.id) if going.paused else 0,
        "history": _presses(function.id),
        "offered": payload.editable(last.data) if last else "{\n  \n}",
        "like": last.pk if last else "",
    }


def _waiting(function_id: str) -> int:
    """Return how many runs wait until a paused function goes on, as far as they are counted."""
    queued = Selection(function=function_id, statuses=(Status.QUEUED,)).runs()
    return queued.order_by()[:NEWEST].count()


def _presses(function_id: str) -> list[LogEntry]:
    kind = ContentType.objects.get_for_model(FunctionState)
    return list(LogEntry.objects.filter(content_type=kind, object_id=function_id).select_related("user")[:RECENT])


def typed(request: HttpRequest) -> dict[str, Any]:
    """Return the data that was typed, with what was hidden put back."""
    data = payload.parsed(request.POST.get("data", ""))
    like = identity.read(request.POST.get("like", ""))
    seen = like and request.user.has_perm("jobs.view_payload")
    original = Event.objects.filter(pk=like or UUID(int=0)).values_list("data", flat=True).first() if seen else None
    data = payload.restored(data, original)
    return dict(data)
