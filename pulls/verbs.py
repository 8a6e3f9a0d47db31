"""What people do to the captures, from the admin and the command line alike: queue work, and see how it stands."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

import jobs
from jobs import selection
from jobs.events import send
from jobs.models import Run
from jobs.types import Source as SentBy
from pulls import events, fanout
from pulls.models import Level, Repository

RECENT_DAYS, BOOTSTRAP_DAYS = 7, 90
# The busiest are synced by a bootstrap even if they are fresh.
MOST_ACTIVE = 10
MOST_FIXED = 500
_BUSY = timedelta(days=30)


class NotPossible(Exception):
    """The verb cannot be done; the message says why, and the way out."""


@dataclass(frozen=True, slots=True)
class Press:
    """What one press has queued. id: every event of it carries it, so its runs are found by it."""

    id: str
    count: int
    words: str

    @property
    def search(self) -> str:
        """What finds its runs in the console's list."""
        return f"data.press:{self.id}"


def sync_now(by: str, repositories: Sequence[Repository] | None = None) -> Press:
    """Sync the chosen repositories, or all active ones, whatever the cooldown says."""
    chosen = list(Repository.objects.active()) if repositories is None else list(repositories)
    if off := [str(each) for each in chosen if not each.active]:
        raise NotPossible(f"{', '.join(off[:5])} is switched off; switch it on first.")
    _some(chosen, "There is no active repository; add one and switch it on.")
    return _press(by, [(each, RECENT_DAYS, each.priority, events.MANUAL) for each in chosen])


def bootstrap(by: str) -> Press:
    """Sync the active repositories that are stale, and those with the most pull requests of late."""
    active = Repository.objects.active()
    busy = active.filter(pull_requests__updated_at__gte=timezone.now() - _BUSY)
    busiest = busy.annotate(count=Count("pull_requests")).order_by("-count")[:MOST_ACTIVE]
    chosen = {each.pk: each for each in [*active.stale(), *busiest]}
    _some(chosen, "There is no active repository; add one and switch it on.")
    return _press(by, [(each, BOOTSTRAP_DAYS, Level.LOW, "bootstrap") for each in chosen.values()])


@transaction.atomic
def quick_fix(by: str, name: str) -> Press:
    """Sync the last days of one repository, and capture whatever is missing or out of date in it."""
    repository = named(name)
    if not repository.active:
        raise NotPossible(f"{repository} is switched off; switch it on first.")
    press = _press(by, [(repository, RECENT_DAYS, Level.HIGH, events.MANUAL)])
    origin = f"fix-{press.id}"
    wanted = fanout.missed(repository.pk, datetime.fromtimestamp(0, UTC), MOST_FIXED)
    batches = fanout.plan(repository.pk, origin, wanted)
    requests = fanout.requests(repository.pk, origin, wanted, batches, Level.HIGH)
    _send(by, press.id, requests)
    fanout.close(origin)
    return Press(press.id, press.count + len(requests), f"{repository}: a sync and {len(requests)} captures")


def named(name: str) -> Repository:
    """Return the repository with this owner/repo; raises NotPossible, saying what to do."""
    owner, slash, rest = name.strip().removeprefix("https://github.com/").removesuffix("/").partition("/")
    if not (owner and slash and rest) or "/" in rest:
        raise NotPossible(f"“{name[:80]}” is no repository; write it as owner/repo.")
    found = Repository.objects.named(owner, rest.removesuffix(".git")).first()
    if found is None:
        raise NotPossible(f"{owner[:60]}/{rest[:60]} is not here; add it and switch it on first.")
    return found


def _some(chosen: Any, words: str) -> None:
    if not chosen:
        raise NotPossible(words)


@transaction.atomic
def _press(by: str, syncs: Sequence[tuple[Repository, int, str, str]]) -> Press:
    press = secrets.token_hex(6)
    requests = [events.sync(each.pk, days=days, priority=level, reason=why) for each, days, level, why in syncs]
    _send(by, press, requests)
    names = ", ".join(str(each) for each, *_ in syncs[:3]) + (" and others" if len(syncs) > 3 else "")
    return Press(press, len(requests), f"sync of {names}")


def _send(by: str, press: str, requests: Sequence[Any]) -> None:
    marked = [
        jobs.Event(name=event.name, data={**event.data, "press": press}, id=event.id, ts=event.ts) for event in requests
    ]
    for portion in events.in_portions(marked):
        send(portion, source=SentBy.MANUAL, sender=by[:100])


def progress(press: str) -> dict[str, int]:
    """Return how the runs of a press stand: how many of each status."""
    found = selection.events_with(["press"], press)
    counted = Run.objects.filter(events__in=found).values("status").annotate(count=Count("pk", distinct=True))
    return dict(counted.order_by("status").values_list("status", "count"))
