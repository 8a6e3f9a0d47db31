"""Which runs somebody means: a filter as a value that a page, a bulk run and an export share."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Coalesce
from pydantic import BaseModel, ConfigDict

from jobs import identity
from jobs.models import Event, Run, RunEvent, Step
from jobs.redaction import hint, redacted
from jobs.types import ENDED, LIVE, SCHEDULED_TIMER, Source, Status

NEWEST = 10_000
"""Runs that a search for words, sources or attempts looks through, and events that one in their data does."""
SOURCES: dict[str, str] = {
    Source.EVENT: "Sent by code",
    Source.HTTP: "Event API",
    Source.CRON: "Schedule",
    Source.MANUAL: "Sent by hand",
    "again": "Run again",
}
_MOST_EVENTS = 1000
ASLEEP = {Status.SLEEPING, Status.WAITING}
# Spelled like the conditions of the partial indexes, so that few unfinished runs are found among millions.
UNFINISHED = (
    Q(run_at__isnull=False, rank__isnull=True)
    | Q(rank__isnull=False, gated=False, blocked_by__isnull=True)
    | Q(rank__isnull=False, gated=True, blocked_by__isnull=True, priority=0)
    | (Q(rank__isnull=False, gated=True, blocked_by__isnull=True) & ~Q(priority=0))
    | Q(blocked_by__isnull=False)
    | Q(status=Status.RUNNING)
    | Q(status=Status.WAITING, run_at__isnull=True)
)


class Selection(BaseModel):
    """A filter of runs; what is empty leaves nothing out. `since` and `until` are about when a run was queued."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    statuses: tuple[Status, ...] = ()
    function: str = ""
    trigger: str = ""
    subject: str = ""
    source: str = ""
    attempts: bool = False
    since: datetime | None = None
    until: datetime | None = None
    error: str = ""
    search: str = ""
    ids: tuple[UUID, ...] = ()

    def runs(self) -> QuerySet[Run]:
        """Return the runs it means."""
        runs = self._of_status(self._plain())
        if self.error:
            runs = runs.annotate(said=Cast("error", TextField())).filter(said__contains=_stored(self.error))
            runs = runs.filter(_openly_said(runs, self.error))
        if self.search:
            runs = self._found(runs)
        if self.source and self.source != Source.CRON:
            runs = self._from_source(runs)
        if self.attempts:
            more = Step.objects.filter(run_id=OuterRef("pk"), attempts__isnull=False)
            runs = self._among_newest(runs).filter(Q(attempt__gt=0) | Exists(more))
        return runs

    def words(self) -> str:
        """Return it in words: what it leaves in."""
        said = [
            " or ".join(status.label.lower() for status in self.statuses) or "any status",
            self.function and f"function {self.function}",
            self.trigger and f"event {self.trigger}",
            self.subject and f"object {self.subject}",
            self.source and f"source: {SOURCES.get(self.source, self.source).lower()}",
            "more than one attempt" if self.attempts else "",
            self.since and f"queued from {self.since.astimezone(UTC):%-d %b %Y, %H:%M} UTC",
            self.until and f"queued before {self.until.astimezone(UTC):%-d %b %Y, %H:%M} UTC",
            self.error and f"error: {self.error}",
            self.search and f"search: {self.search}",
            f"{len(self.ids)} chosen" if self.ids else "",
        ]
        return " · ".join(part for part in said if part)

    def frozen(self, now: datetime) -> Selection:
        """Return the same runs however long somebody takes to act on them: none that come later, none further back."""
        looks = self.search or self.attempts or self.source
        floor = self._floor() if looks else None
        since = self.since if floor is None else identity.moment_of(floor)
        return self.model_copy(update={"since": since, "until": self.until or now})

    def any_status(self) -> Selection:
        """Return the same without its statuses."""
        return self.model_copy(update={"statuses": ()})

    def _plain(self) -> QuerySet[Run]:
        """Return what the conditions leave for which there are indexes."""
        runs: QuerySet[Run] = Run.objects.all()
        if self.ids:
            runs = runs.filter(pk__in=self.ids)
        if self.since:
            runs = runs.filter(pk__gte=identity.first_of(self.since))
        if self.until:
            runs = runs.filter(pk__lt=identity.first_of(self.until))
        if self.subject:
            runs = runs.filter(subject=self.subject)
        if self.function:
            runs = runs.filter(function=self.function)
        return runs.filter(self._triggered) if self._event else runs

    @property
    def _event(self) -> str:
        return SCHEDULED_TIMER if self.source == Source.CRON else self.trigger

    @cached_property
    def _triggered(self) -> Q:
        """Rare events are found by their name, runs of frequent ones by looking at the newest runs."""
        name = self._event
        events = Event.objects.filter(name=name).order_by("name", "-received_at")
        if events[:_MOST_EVENTS].count() == _MOST_EVENTS:
            return Q(trigger=name)
        return Q(trigger=name, pk__in=RunEvent.objects.filter(event__name=name).values("run_id"))

    def _of_status(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        if not self.statuses:
            return runs
        one = len(self.statuses) == 1
        runs = runs.filter(status=self.statuses[0]) if one else runs.filter(status__in=self.statuses)
        if set(self.statuses) <= set(LIVE) and not set(self.statuses) <= ASLEEP:
            return runs.filter(UNFINISHED)
        # Which says nothing new, but lets the partial index of ended runs be used.
        return runs.filter(ended_at__isnull=False) if set(self.statuses) <= set(ENDED) else runs

    def _among_newest(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        floor = self._floor()
        return runs.filter(pk__gte=floor) if floor else runs

    def _floor(self) -> UUID | None:
        """Return the last run that a search looks at, if there are more."""
        among = self._of_status(self._plain())
        if not self.statuses and (self.function or self.subject):
            among = among.filter(ended_at__isnull=False)
        # Looked up first, so that the planner knows how few the runs after it are.
        return next(iter(among.order_by("-pk").values_list("pk", flat=True)[NEWEST - 1 : NEWEST]), None)

    def _found(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        if found := identity.read(self.search):
            started = RunEvent.objects.filter(event_id=found).values_list("run_id", flat=True)[:_MOST_EVENTS]
            return runs.filter(pk__in=[found, *started])
        if pair := data_pair(self.search):
            return runs.filter(
                pk__in=RunEvent.objects.filter(event__in=events_with(*pair) or [UUID(int=0)]).values("run_id")
            )
        spelled = self._among_newest(runs).annotate(id_text=Cast("pk", TextField()), said=Cast("error", TextField()))
        text = self.search
        named = Q(function__icontains=text) | Q(trigger__icontains=text) | Q(subject__icontains=text)
        said = spelled.filter(said__icontains=_stored(text))
        told = Q(said__icontains=_stored(text)) & _openly_said(said, text)
        return spelled.filter(named | told | Q(id_text__endswith=text.lower()))

    def _from_source(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        if self.source == "again":
            return self._among_newest(runs).filter(rerun_of__isnull=False)
        first = RunEvent.objects.filter(run_id=OuterRef("pk"), position=0, event__source=self.source)
        return self._among_newest(runs).filter(Exists(first), rerun_of__isnull=True)


def data_pair(text: str) -> tuple[list[str], str] | None:
    """Return path and value of a search like `data.client_id:42`, None for any other."""
    path, colon, value = text.partition(":")
    steps = path.strip().split(".")
    return (steps[1:], value.strip()) if colon and steps[0] == "data" and len(steps) > 1 and value.strip() else None


def events_with(path: list[str], value: str) -> list[UUID]:
    """Return the newest events whose data has this value under this path."""
    nth = Event.objects.order_by("-pk").values("pk")[NEWEST - 1 : NEWEST]
    recent = Event.objects.filter(pk__gte=Coalesce(Subquery(nth), Value(UUID(int=0))))
    # The text sorts out what cannot match; only the rest is decoded, as the database would refuse some JSON.
    likely = recent.annotate(text=Cast("data", TextField())).filter(
        text__contains=_stored(path[-1]), text__icontains=_stored(value)
    )
    rows = likely.order_by("-pk").values_list("pk", "data")[:_MOST_EVENTS]
    # Compared with what people may see, or else guesses would spell out what is hidden.
    return [pk for pk, data in rows if _said(_under(redacted(data), path)) == value]


def _openly_said(runs: QuerySet[Any], text: str) -> Q:
    """Return a condition, for runs whose stored error has this text, that people may see it there.

    Only errors that could hide something are read, the newest of them; those behind them are left out.
    """
    suspects = runs.order_by("-pk").filter(said__iregex=hint())
    told = [pk for pk, error in suspects.values_list("pk", "error")[:NEWEST] if _is_shown(text, error)]
    return ~Q(said__iregex=hint()) | Q(pk__in=told)


def _is_shown(text: str, error: Any) -> bool:
    return _stored(text).casefold() in json.dumps(redacted(error), ensure_ascii=False).casefold()


def _under(data: Any, path: list[str]) -> Any:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _stored(text: str) -> str:
    """Return text as it is written inside stored JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
