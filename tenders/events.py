"""The events of tender jobs, and how people start one: the job's row and its event in one transaction."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

import jobs
from jobs.events import send
from jobs.types import Source as SentBy
from tenders import sources
from tenders.models import JobLog, JobStatus, JobType, SourceState

SYNC = "tender/sync.requested"
SYNCED = "tender/sync.finished"
ENRICH_TODAY = "tender/enrich-today.requested"
ENRICH = "tender/enrich.requested"
BACKFILL = "tender/enrich-backfill.requested"
FILE = "tender/file.uploaded"
CLEANUP = "system/cleanup-jobs.requested"
NAMES = {
    JobType.SYNC: SYNC,
    JobType.ENRICH_TODAY: ENRICH_TODAY,
    JobType.BACKFILL: BACKFILL,
    JobType.IMPORT: FILE,
}
# A file and an enrichment of one day disturb nobody; two readers of one portal do.
_ALONE = (JobType.SYNC, JobType.BACKFILL)


class AlreadyRunning(Exception):
    """Such a job is under way; the message says which, and what to do."""


@transaction.atomic
def start(kind: JobType, data: dict[str, Any], *, by: AbstractBaseUser | None = None, sender: str = "admin") -> JobLog:
    """Start a job for a person; raises AlreadyRunning while one of its kind is at work on the same source."""
    source = str(data.get("source") or "")
    if kind in _ALONE:
        _refuse_second(kind, source)
    log = JobLog.objects.create(type=kind, source=source, triggered_by=sender[:100], admin_user=by, parameters=data)
    told = {**data, "log": log.pk, "triggeredBy": sender[:100], **({"adminUserId": by.pk} if by else {})}
    send([jobs.Event(name=NAMES[kind], data=told)], source=SentBy.MANUAL, sender=sender[:100])
    return log


def _refuse_second(kind: JobType, source: str) -> None:
    # Two presses at once: the second waits here until the first is committed, and then sees it.
    SourceState.objects.get_or_create(source=source)
    SourceState.objects.select_for_update().get(source=source)
    log = JobLog.objects.filter(type=kind, source=source, status__in=[JobStatus.PENDING, JobStatus.RUNNING]).first()
    if log is not None:
        state = "is running" if log.started_at else "is about to start"
        raise AlreadyRunning(
            f"A {log.get_type_display().lower()} of {sources.name_of(source)} {state} (job {log.pk}); "
            "wait until it has ended, or cancel it."
        )
