"""What people and programs do to an import; each verb is safe to press twice, and refuses in words."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

import jobs
from imports import events, files, processors
from imports.models import BatchStatus, CsvBatch, CsvRow, RowStatus, moving
from jobs import actions
from jobs.events import send
from jobs.models import Run
from jobs.types import Source


class NotPossible(Exception):
    """This cannot be done to this import now; the message says why."""


@transaction.atomic
def start(pk: int, *, by: str, source: Source = Source.MANUAL) -> CsvBatch:
    """Queue an uploaded file. Raises NotPossible or CsvBatch.DoesNotExist."""
    batch = CsvBatch.objects.locked().get(pk=pk)
    if batch.status != BatchStatus.UPLOADED:
        raise NotPossible(f"“{batch}” has been started already; it is {_status(batch)}.")
    if not batch.processor:
        raise NotPossible(f"Choose what shall become of the rows of “{batch}” first.")
    known = processors.get(batch.processor)
    if absent := files.missing(batch):
        raise NotPossible(f"Choose the column for {', '.join(absent)} first; {known.title} needs it.")
    if reason := known.unavailable():
        raise NotPossible(reason)
    if not batch.checked.get("good"):
        raise NotPossible(f"No row of “{batch}” can be imported; look at what is wrong with them.")
    return _queued(batch, by, source)


def _queued(batch: CsvBatch, by: str, source: Source) -> CsvBatch:
    batch.status, batch.error, batch.finished_at = BatchStatus.QUEUED, "", None
    batch.round += 1
    events.send_process(batch, source=source, sender=by)
    batch.save(update_fields=["status", "error", "finished_at", "round", "run"])
    return batch


@transaction.atomic
def pause(pk: int) -> CsvBatch:
    """Let an import rest once the batch under way is done."""
    batch = CsvBatch.objects.locked().get(pk=pk)
    if batch.status not in (BatchStatus.QUEUED, BatchStatus.PROCESSING):
        raise NotPossible(f"“{batch}” is {_status(batch)}, so there is nothing to pause.")
    batch.status, batch.pauses = BatchStatus.PAUSED, batch.pauses + 1
    batch.save(update_fields=["status", "pauses"])
    return batch


@transaction.atomic
def resume(pk: int, *, by: str, source: Source = Source.MANUAL) -> CsvBatch:
    """Let a paused import go on."""
    batch = CsvBatch.objects.locked().get(pk=pk)
    if batch.status != BatchStatus.PAUSED:
        raise NotPossible(f"“{batch}” is {_status(batch)}, so there is nothing to resume.")
    batch.status = BatchStatus.PROCESSING if batch.stored_at else BatchStatus.QUEUED
    batch.save(update_fields=["status"])
    resumed = jobs.Event(name=events.RESUMED, data={"batchId": batch.pk, "pause": batch.pauses})
    send([resumed], source=source, sender=by[:100])
    return batch


@transaction.atomic
def cancel(pk: int, *, by: Any) -> CsvBatch:
    """Stop an import at once: rows that are done stay, an attempt under way can write nothing more."""
    batch = CsvBatch.objects.locked().get(pk=pk)
    if not batch.is_live and batch.status != BatchStatus.UPLOADED:
        raise NotPossible(f"“{batch}” is {_status(batch)}, so there is nothing to cancel.")
    _cancelled(batch, f"Cancelled by {by}.")
    for run in Run.objects.live().about(batch.subject):
        actions.cancel(run, by=by)
    return batch


def _cancelled(batch: CsvBatch, words: str) -> None:
    batch.status, batch.error, batch.finished_at = BatchStatus.CANCELLED, words, timezone.now()
    batch.save(update_fields=["status", "error", "finished_at"])
    moving.cancel_open(batch.pk)


@transaction.atomic
def note_cancelled(run_id: str, batch_id: Any) -> bool:
    """Note that a run was cancelled, by an event or in the console; False if its file does not wait for it any more."""
    batch = CsvBatch.objects.locked().filter(pk=batch_id).first() if isinstance(batch_id, int) else None
    if batch is None or not batch.is_live:
        return False
    # A run that was refused, because another one has the file, takes nothing along when it is cancelled.
    if str(batch.run) != run_id and not Run.objects.filter(pk=run_id, parent_run=batch.run).exists():
        return False
    _cancelled(batch, "Cancelled.")
    for run in Run.objects.live().about(batch.subject):
        actions.cancel(run, by="note-cancelled-import")
    return True


@transaction.atomic
def retry(pk: int, *, by: str, source: Source = Source.MANUAL) -> int:
    """Queue the failed rows again, and those whose turn never came because the run broke off; returns how many."""
    batch = CsvBatch.objects.locked().get(pk=pk)
    if batch.is_live:
        raise NotPossible(f"“{batch}” is being imported; wait until that has ended.")
    failed = (RowStatus.FAILED, RowStatus.PENDING, RowStatus.PROCESSING)
    if not CsvRow.objects.filter(batch=batch, status__in=failed).exists():
        if batch.status == BatchStatus.FAILED and batch.stored_at is None:
            _queued(batch, by, source)
            return int(batch.checked.get("good", 0))
        raise NotPossible(f"No row of “{batch}” has failed, so there is nothing to retry.")
    if reason := processors.get(batch.processor).unavailable():
        raise NotPossible(reason)
    rows = moving.requeue(batch.pk, batch.round + 1, failed)
    _queued(batch, by, source)
    return rows


def _status(batch: CsvBatch) -> str:
    return str(batch.get_status_display()).lower()
