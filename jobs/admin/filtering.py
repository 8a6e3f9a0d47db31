"""Which runs a list shows: what the address asks for, counted and cut so that a big table costs no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from jobs import clock, identity
from jobs.admin import counting
from jobs.models import Run, Step
from jobs.selection import SOURCES, UNFINISHED, Selection, data_pair
from jobs.types import Status, StepStatus

PAGE = 25
NEW_SHOWN = 99
TIMES = {
    "1h": "Last hour",
    "24h": "Last 24 h",
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
}
_SPANS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_NAMES = ("status", "function", "trigger", "source", "attempts", "subject", "time", "since", "until", "error", "q")


@dataclass(frozen=True)
class RunFilter:
    """What somebody wants to see of the runs, as an address says it; what makes no sense is left out."""

    status: str = ""
    function: str = ""
    trigger: str = ""
    source: str = ""
    attempts: str = ""
    subject: str = ""
    time: str = ""
    since: str = ""
    until: str = ""
    error: str = ""
    q: str = ""

    @classmethod
    def read(cls, asked: QueryDict, user: AbstractBaseUser | AnonymousUser) -> RunFilter:
        """Return the filter of an address; only who may see data may search in it."""
        said = {name: asked.get(name, "").replace("\0", "").strip() for name in _NAMES}
        said["status"] = said["status"].upper()
        for name, known in (("status", Status.values), ("time", TIMES), ("source", SOURCES), ("attempts", ("more",))):
            said[name] = said[name] if said[name] in known else ""
        if data_pair(said["q"]) and not user.has_perm("jobs.view_payload"):  # type: ignore[union-attr]
            said["q"] = ""
        for name in ("since", "until"):
            said[name] = said[name] if _moment(said[name]) else ""
        return cls(**said)

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return any(getattr(self, name) for name in _NAMES)

    @property
    def hidden(self) -> dict[str, str]:
        """What it asks for besides what the form above the list has a field for."""
        said = {name: getattr(self, name) for name in ("status", "subject", "since", "until", "error")}
        return {name: value.lower() if name == "status" else value for name, value in said.items() if value}

    def query(self, **changes: str) -> str:
        """Return the filter as the query of an address, with some of it changed."""
        found = QueryDict(mutable=True)
        for name in _NAMES:
            value = changes.get(name, getattr(self, name))
            if value:
                found[name] = value.lower() if name == "status" else value
        return found.urlencode()

    def selection(self) -> Selection:
        """Return the runs it means, with times that no longer move."""
        since, until = _bounds(self.time, clock.now())
        return Selection(
            statuses=(Status(self.status),) if self.status else (),
            function=self.function,
            trigger=self.trigger,
            source=self.source,
            attempts=bool(self.attempts),
            subject=self.subject,
            since=_moment(self.since) or since,
            until=_moment(self.until) or until,
            error=self.error,
            search=self.q,
        )


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
        if moment is None:
            return None
        # In UTC at once: in the years 1 and 9999 an offset leads out of the calendar.
        return (timezone.make_aware(moment) if timezone.is_naive(moment) else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _bounds(time: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    if time in _SPANS:
        return now - _SPANS[time], None
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    if time == "yesterday":
        return midnight - timedelta(days=1), midnight
    return (midnight if time == "today" else None), None


def newest(selection: Selection) -> QuerySet[Run]:
    """Return the selected runs, newest first, with the tries of the step each is at."""
    at = Step.objects.filter(run_id=OuterRef("pk"), status__in=(StepStatus.FAILED, StepStatus.RETRYING))
    tries = Coalesce(Subquery(at.order_by("-tries").values("tries")[:1]), 0)
    return selection.runs().order_by("-pk").defer("output", "rank").annotate(tries=tries)


def _first(runs: QuerySet[Run], most: int, *, apart: bool) -> list[Run]:
    """Return the first of these runs; unfinished ones and ended ones each by the index for them."""
    if not apart:
        return list(runs[:most])
    parts = (runs.filter(ended_at__isnull=False)[:most], runs.filter(UNFINISHED)[:most])
    return sorted((run for part in parts for run in part), key=lambda run: run.pk, reverse=True)[:most]


@dataclass(frozen=True)
class RunList:
    """One page of runs."""

    runs: list[Run]
    new: int
    older: UUID | None
    top: UUID | None


def page(selection: Selection, asked: QueryDict) -> RunList:
    """Return 25 runs from `before` or `top` on; runs newer than `top` are only counted, so that the list stays put."""
    runs: Any = newest(selection)
    before, top = identity.read(asked.get("before", "")), identity.read(asked.get("top", ""))
    if before:
        runs = runs.filter(pk__lt=before)
    most = PAGE + 1 + (NEW_SHOWN if top else 0)
    found = _first(runs, most, apart=bool(selection.function and not selection.statuses))
    shown = [run for run in found if top is None or run.pk <= top]
    new = len(found) - len(shown)
    older = shown[PAGE - 1].pk if len(shown) > PAGE else None
    first = None if before else top or (shown[0].pk if shown else None)
    return RunList(shown[:PAGE], new, older, first)


def counts(selection: Selection) -> dict[str, int]:
    """Return how many of the selected runs there are in each status, whatever status is selected."""
    return counting.by_status(selection.any_status().runs())
