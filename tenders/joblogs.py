"""What the steps of a job write into its row, and how a job ends: well, badly, or by a person."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from jobs import actions
from jobs.errors import NonRetriableError
from jobs.models import Run
from tenders.importing import MOST_PROBLEMS
from tenders.models import ErrorCategory, JobLog, JobStatus, JobType, SavedPage, SourceState
from tenders.models.joblog import OPEN

CANCELLED = "Cancelled{by} after {pages} pages; what was read until then is kept."
LOST = "Its run is gone without a verdict; start it again."
# Errors that are a portal's doing, by the name that a failed run has for them.
PORTALS = {"PortalUnavailable", "PortalRefused", "SmallerPageNeeded", "RetryAfterError"}
UNEXPECTED = "It failed for an unexpected reason ({name}); the run's page has the details."


class JobEnded(NonRetriableError):
    """The job was cancelled or taken over, so nothing more is written."""


@transaction.atomic
def begin(kind: str, data: Mapping[str, Any], run_id: str) -> int:
    """Return the job of an event, its row made now if a program sent the event; the run is the one at work."""
    log = JobLog.objects.select_for_update().filter(pk=_number(data.get("log")), type=kind).first()
    if log is None:
        log = JobLog(type=kind, parameters={k: v for k, v in data.items() if k != "log"})
        log.source = str(data.get("source") or "")[:40]
        log.triggered_by = str(data.get("triggeredBy") or "event")[:100]
    elif not log.is_open:
        raise JobEnded(f"Job {log.pk} has ended already.")
    log.status, log.run, log.started_at = JobStatus.RUNNING, run_id, log.started_at or timezone.now()
    log.save()
    if log.source:
        SourceState.objects.update_or_create(source=log.source, defaults={"last_run_at": timezone.now()})
    # An event of another system names no job; from here on its run is shown with the one it works on.
    Run.objects.filter(pk=run_id).exclude(subject=log.subject).update(subject=log.subject)
    return log.pk


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**62 else None


def update_open(log_id: int, **changes: Any) -> None:
    """Change a job's row as long as it is open; raises JobEnded once it is not."""
    _reopen(log_id)
    if not JobLog.objects.filter(pk=log_id, status__in=OPEN).update(**changes):
        raise JobEnded("The job was cancelled.")


def _reopen(log_id: int) -> None:
    """Open a failed job again whose run somebody retried: it goes on behind the step that began the job."""
    failed = JobLog.objects.filter(pk=log_id, status=JobStatus.FAILED)
    run = failed.values_list("run", flat=True).first()
    if run is not None and Run.objects.live().filter(pk=run).exists():
        failed.update(status=JobStatus.RUNNING, finished_at=None, error="", error_category="", note="")


def count_page(log_id: int, counters: Mapping[str, int], problems: list[str], done: float | None) -> None:
    """Add what a page brought, in the transaction that stores it; done None means the whole span."""
    known = JobLog.objects.values_list("problems", flat=True).get(pk=log_id)
    sums = {name: F(name) + value for name, value in counters.items()}
    reached = F("total") - F("to_enrich") if done is None else done
    update_open(log_id, pages=F("pages") + 1, problems=(known + problems)[:MOST_PROBLEMS], done=reached, **sums)


def plan_enrichment(log_id: int, ocids: list[str]) -> list[str]:
    """Note how many look-ups a job is going to make, and return the tenders."""
    update_open(log_id, to_enrich=len(ocids), total=F("total") + len(ocids))
    return ocids


def count_enriched(log_id: int, done: Mapping[str, int]) -> None:
    """Add what some look-ups brought; those that were fanned out may come in after the job's end."""
    sums = {name: F(name) + value for name, value in done.items()}
    JobLog.objects.filter(pk=log_id).update(done=F("done") + sum(done.values()), **sums)
    log = JobLog.objects.filter(pk=log_id, status=JobStatus.SUCCESS).first()
    if log is not None:
        JobLog.objects.filter(pk=log_id).update(note=log.in_words(), done=F("total"))


@transaction.atomic
def succeed(log_id: int) -> str:
    """End a job well; returns its note."""
    _reopen(log_id)
    log = JobLog.objects.select_for_update().get(pk=log_id)
    if not log.is_open:
        return log.note
    log.status, log.finished_at, log.note = JobStatus.SUCCESS, timezone.now(), log.in_words()
    log.done, log.error, log.error_category = log.total, "", ""
    log.save()
    SavedPage.objects.filter(log=log).delete()
    return log.note


@transaction.atomic
def fail_run(run_id: str, error: Mapping[str, Any] | None) -> bool:
    """Note that the run of a job has failed; False if it owns none that is open, or lives again by now."""
    if Run.objects.live().filter(pk=run_id).exists():
        return False
    log = JobLog.objects.select_for_update().filter(run=run_id, status__in=OPEN).first()
    if log is None:
        return False
    _end(log, sentence(error), category(error))
    return True


@transaction.atomic
def note_cancelled(run_id: str) -> bool:
    """Note that somebody cancelled the run of a job; False if it owns none that is open."""
    log = JobLog.objects.select_for_update().filter(run=run_id, status__in=OPEN).first()
    if log is None:
        return False
    _end(log, CANCELLED.format(by="", pages=log.pages), "")
    return True


@transaction.atomic
def cancel(log_id: int, *, by: Any) -> bool:
    """Cancel a job and its runs; whatever page is under way is not stored. False if it had ended already."""
    log = JobLog.objects.select_for_update().get(pk=log_id)
    if not log.is_open:
        return False
    _end(log, CANCELLED.format(by=f" by {by}", pages=log.pages), "")
    for run in Run.objects.live().filter(subject=log.subject).exclude(subject=""):
        actions.cancel(run, by=by)
    return True


def _end(log: JobLog, words: str, whose: str) -> None:
    log.status, log.finished_at = JobStatus.FAILED, timezone.now()
    log.error, log.error_category, log.note = words, whose, log.in_words()
    log.save()
    SavedPage.objects.filter(log=log).delete()


def sentence(error: Mapping[str, Any] | None) -> str:
    """Return one sentence for people from a run's error; what is no error of ours is for programmers."""
    error = error or {}
    lines = [line.strip() for line in str(error.get("message") or "").splitlines() if line.strip()]
    ours = error.get("code") == "non_retriable" or error.get("name") in PORTALS
    if not lines or not ours:
        return UNEXPECTED.format(name=error.get("name") or "no error given")
    return lines[-1][:500]


def category(error: Mapping[str, Any] | None) -> str:
    """Tell whose fault a failure is."""
    theirs = (error or {}).get("name") in PORTALS
    return ErrorCategory.EXTERNAL if theirs else ErrorCategory.OURS


def cleanup(older_than_minutes: int) -> int:
    """End the jobs that no live run works on any more; returns how many there were."""
    before = timezone.now() - timedelta(minutes=older_than_minutes)
    stuck = JobLog.objects.filter(status__in=OPEN, created_at__lt=before)
    return sum(_settle(pk) for pk in list(stuck.values_list("pk", flat=True)[:1000]))


@transaction.atomic
def _settle(pk: int) -> bool:
    log = JobLog.objects.select_for_update().get(pk=pk)
    live = Run.objects.live()
    if not log.is_open or live.filter(subject=log.subject).exists() or live.filter(pk=log.run).exists():
        return False
    _end(log, LOST, ErrorCategory.OURS)
    return True


__all__ = ["JobEnded", "JobType", "begin", "cancel", "cleanup", "fail_run", "note_cancelled", "succeed", "update_open"]
