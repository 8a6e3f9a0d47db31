"""Which runs a list shows: what the address asks for, counted and cut so that a big table costs no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Coalesce
from django.http import QueryDict

from jobs import clock
from jobs.admin import counting, identity
from jobs.models import Run, RunEvent, Step
from jobs.types import Status, StepStatus

PAGE = 25
NEW_SHOWN = 99
TIMES = {"1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days"}
_SPANS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}


@dataclass(frozen=True)
class RunFilter:
    """What somebody wants to see of the runs."""

    status: str = ""
    function: str = ""
    trigger: str = ""
    time: str = ""
    search: str = ""

    @classmethod
    def read(cls, asked: QueryDict) -> RunFilter:
        """Return the filter of an address; what makes no sense is left out."""
        status, time = asked.get("status", "").upper(), asked.get("time", "")
        return cls(
            status=status if status in Status.values else "",
            function=asked.get("function", ""),
            trigger=asked.get("trigger", ""),
            time=time if time in TIMES else "",
            search=asked.get("q", "").replace("\0", "").strip(),
        )

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.status or self.function or self.trigger or self.time or self.search)

    def query(self, **changes: str) -> str:
        """Return the filter as the query of an address, with some of it changed."""
        values = {"status": self.status.lower(), "function": self.function, "trigger": self.trigger}
        found = QueryDict(mutable=True)
        for name, value in {**values, "time": self.time, "q": self.search, **changes}.items():
            if value:
                found[name] = value
        return found.urlencode()

    def matching(self) -> QuerySet[Run]:
        """Return the runs of all statuses that match the rest of it."""
        runs: QuerySet[Run] = Run.objects.all()
        if self.function:
            runs = runs.filter(function=self.function)
        if self.trigger:
            runs = runs.filter(trigger=self.trigger)
        if self.time:
            runs = runs.filter(pk__gte=identity.first_of(clock.now() - _SPANS[self.time]))
        return _searched(runs, self.search) if self.search else runs

    def newest(self) -> QuerySet[Run]:
        """Return the matching runs of the chosen status, newest first, with the tries of the step it is at."""
        runs = self.matching().filter(status=self.status) if self.status else self.matching()
        at = Step.objects.filter(run_id=OuterRef("pk"), status__in=(StepStatus.FAILED, StepStatus.RETRYING))
        tries = Coalesce(Subquery(at.order_by("-tries").values("tries")[:1]), 0)
        return runs.order_by("-pk").defer("output", "rank").annotate(tries=tries)

    def counts(self) -> dict[str, int]:
        """Return how many of the matching runs each status has."""
        return counting.by_status(self.matching())


def _searched(runs: QuerySet[Run], text: str) -> QuerySet[Run]:
    if found := identity.read(text):
        return runs.filter(Q(pk=found) | Q(pk__in=RunEvent.objects.filter(event_id=found).values("run_id")))
    nth = Run.objects.order_by("-pk").values("pk")[counting.NEWEST - 1 : counting.NEWEST]
    among = runs.filter(pk__gte=Coalesce(Subquery(nth), Value(UUID(int=0))))
    spelled = among.annotate(id_text=Cast("pk", TextField()), error_text=Cast("error", TextField()))
    named = Q(function__icontains=text) | Q(trigger__icontains=text) | Q(subject__icontains=text)
    return spelled.filter(named | Q(error_text__icontains=text) | Q(id_text__endswith=text.lower()))


@dataclass(frozen=True)
class RunList:
    """One page of runs."""

    runs: list[Run]
    new: int
    older: UUID | None
    top: UUID | None


def page(chosen: RunFilter, asked: QueryDict) -> RunList:
    """Return 25 runs from `before` or `top` on; runs newer than `top` are only counted, so that the list stays put."""
    runs: Any = chosen.newest()
    before, top = identity.read(asked.get("before", "")), identity.read(asked.get("top", ""))
    if before:
        runs = runs.filter(pk__lt=before)
    found = list(runs[: PAGE + 1 + (NEW_SHOWN if top else 0)])
    shown = [run for run in found if top is None or run.pk <= top]
    new = len(found) - len(shown)
    older = shown[PAGE - 1].pk if len(shown) > PAGE else None
    first = None if before else top or (shown[0].pk if shown else None)
    return RunList(shown[:PAGE], new, older, first)
