"""Fan-outs: captures that belong together, and the one event that tells when all of them have ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

import jobs
from pulls import events
from pulls.models import Batch, BatchItem, JobType, Outcome, PullRequest, Repository

KINDS = tuple(JobType)
Wanted = dict[str, list[int]]


def outdated(repository: int, kind: JobType) -> Any:
    """Return the pull requests whose last capture of a kind is older than their last change, and not under way."""
    field = f"{kind}_of"
    waiting = BatchItem.objects.filter(
        batch__repository=repository, batch__job_type=kind, number=OuterRef("number"), outcome=Outcome.OPEN
    )
    changed = Q(**{field: None}) | Q(**{f"{field}__lt": F("updated_at")})
    return PullRequest.objects.filter(changed, repository=repository).exclude(Exists(waiting))


def wanted(repository: int, numbers: Sequence[int]) -> Wanted:
    """Return by kind which of these pull requests have changed since their last capture."""
    found = {kind.value: _numbers(outdated(repository, kind).filter(number__in=numbers)) for kind in KINDS}
    return {kind: changed for kind, changed in found.items() if changed}


def missed(repository: int, since: Any, most: int) -> Wanted:
    """Return the same of all that were updated since a time, the newest first: what earlier captures have left."""
    found = {}
    for kind in KINDS:
        newest = outdated(repository, kind).filter(updated_at__gte=since).order_by("-updated_at")
        found[kind.value] = list(newest.values_list("number", flat=True)[:most])
    return {kind: numbers for kind, numbers in found.items() if numbers}


def _numbers(found: Any) -> list[int]:
    return sorted(found.values_list("number", flat=True))


def plan(repository: int, origin: str, found: Wanted) -> dict[str, int]:
    """Put captures into the batches of an origin; returns the batches by kind."""
    return {kind: Batch.add(repository, origin, JobType(kind), numbers) for kind, numbers in found.items()}


def requests(repository: int, origin: str, found: Wanted, batches: dict[str, int], priority: str) -> list[Any]:
    """Return the events that ask for these captures; made again they have the same ids."""
    return [
        events.capture(
            JobType(kind), repository, number, priority, event_id=f"{origin}-{kind}-{number}", batch=batches[kind]
        )
        for kind, numbers in found.items()
        for number in numbers
    ]


def close(origin: str) -> list[int]:
    """Add nothing more to the batches of an origin; returns those that were open. In a transaction of the caller's."""
    batches = Batch.open_of(origin)
    for pk in batches:
        Batch.objects.filter(pk=pk).update(
            closed_at=timezone.now(), total_count=BatchItem.objects.filter(batch=pk).count()
        )
        _tell(pk)
    return batches


@transaction.atomic
def end(batch: int | None, number: int, outcome: Outcome) -> bool:
    """Note how a capture has ended; returns whether this was news. Whoever ends the last one tells the end of all."""
    if batch is None:
        return False
    items = BatchItem.objects.filter(batch=batch, number=number)
    # A run that failed may be retried and succeed; the batch has counted it by then or counts it anew.
    news = items.filter(outcome__in=[Outcome.OPEN, Outcome.FAILURE]).exclude(outcome=outcome).update(outcome=outcome)
    _tell(batch)
    return news > 0


def end_of(data: dict[str, Any], outcome: Outcome) -> bool:
    """Note the end of the capture that an event asked for, whatever else the event says."""
    batch, number = data.get("batch"), data.get("prNumber")
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in (batch, number)):
        return False
    return end(batch, int(str(number)), outcome)


def _tell(pk: int) -> None:
    batch = Batch.settle(pk)
    if batch is not None:
        counts = (batch.success_count, batch.failure_count, batch.total_count)
        jobs.send_sync(events.completed(batch.repository_id, batch.job_type, *counts, batch.pk))


def repository_of(pk: int) -> Repository:
    """Return an active repository; raises BadRequest in words for any other."""
    repository = Repository.objects.filter(pk=pk).first()
    if repository is None:
        raise events.BadRequest(
            f"There is no repository {pk}; repositoryId is the number of a repository in Stepwell, not GitHub's."
        )
    if not repository.active:
        raise events.BadRequest(f"{repository} is switched off; switch it on first.")
    return repository
