"""What the steps of an import write: its rows stored, batch after batch worked on, the end noted in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

import jobs
from imports import files, processors
from imports.models import SUBJECT, BatchStatus, CsvBatch, RowStatus, counts_of, fold, moving
from imports.models.batch import LIVE
from imports.models.moving import Claimed
from imports.models.storing import NewRow, store
from imports.processors import Processor, Row
from imports.reading import Unreadable, open_table
from imports.rowwise import MOST_AT_ONCE, Work
from imports.setwise import alone, process_set
from jobs import clock
from jobs.errors import NonRetriableError
from jobs.models import Run

UNEXPECTED = (
    "The import stopped for an unexpected reason ({name}); retry it, and if it stops again tell your administrator."
)
PLAIN = {"StorageUnavailable", "Unreadable"}


def initialize(data: Mapping[str, Any], run_id: str) -> dict[str, Any]:
    """Make this run the one that imports the file of an event, and store its rows unless they are; return the plan.

    {"batch", "round", "rows", "batches", "size", "delay", "timeout"}, the last two in seconds. Raises
    NonRetriableError, in words, for a file that cannot be imported.
    """
    batch = _begun(data, run_id)
    try:
        if batch.stored_at is None:
            with files.opened(batch) as stream, transaction.atomic():
                _store_rows(batch, stream)
    except Unreadable as error:
        raise NonRetriableError(str(error)) from None
    return _plan(batch)


@transaction.atomic
def _begun(data: Mapping[str, Any], run_id: str) -> CsvBatch:
    batch = _named(data)
    if batch.run != UUID(run_id):
        if batch.is_live and Run.objects.live().filter(pk=batch.run).exists():
            raise NonRetriableError(f"“{batch}” is being imported by another run already.")
        if batch.status != BatchStatus.UPLOADED:
            raise _nothing_to_start(batch)
    elif batch.status in (BatchStatus.CANCELLED, BatchStatus.COMPLETED):
        raise _nothing_to_start(batch)
    if not batch.processor:
        raise NonRetriableError(f"Nobody has said what shall become of the rows of “{batch}”; choose it on its page.")
    known = _processor(batch)
    if absent := files.missing(batch):
        raise NonRetriableError(f"No column of “{batch}” is mapped to {', '.join(absent)}, which {known.title} needs.")
    if reason := known.unavailable():
        raise NonRetriableError(reason)
    batch.run, batch.round = UUID(run_id), max(batch.round, 1)
    if batch.status != BatchStatus.PAUSED:
        batch.status = BatchStatus.PROCESSING
    batch.error, batch.started_at, batch.finished_at = "", batch.started_at or timezone.now(), None
    batch.save()
    Run.objects.filter(pk=run_id, subject="").update(subject=batch.subject)
    return batch


def _nothing_to_start(batch: CsvBatch) -> NonRetriableError:
    return NonRetriableError(f"“{batch}” is {str(batch.get_status_display()).lower()}; there is nothing to start.")


def _named(data: Mapping[str, Any]) -> CsvBatch:
    key = str(data.get("batchId", ""))
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise NonRetriableError("The event names no file: batchId must be a number.")
    batch = CsvBatch.objects.locked().filter(pk=int(key)).first()
    if batch is None:
        raise NonRetriableError(f"There is no import {key}; it may have been deleted.")
    return batch


def _processor(batch: CsvBatch) -> Processor:
    try:
        return processors.get(batch.processor)
    except processors.UnknownProcessor as error:
        raise NonRetriableError(str(error)) from None


def _store_rows(batch: CsvBatch, stream: Any) -> None:
    # The lock again: of two passes of one run, a dead worker's and the next one's, one stores.
    locked = CsvBatch.objects.locked().get(pk=batch.pk)
    if locked.stored_at is None:
        table = open_table(stream, files.choices_of(batch))
        store(batch.pk, _new_rows(batch, table))
        batch.stored_at = timezone.now()
        CsvBatch.objects.filter(pk=batch.pk).update(stored_at=batch.stored_at)


def _new_rows(batch: CsvBatch, table: Any) -> Iterator[NewRow]:
    problem_of = files.Judge(batch)
    for record in table.rows():
        data = files.as_data(table.headers, record)
        if words := problem_of(record):
            yield NewRow(record.number, 0, RowStatus.SKIPPED.value, data, words)
        else:
            yield NewRow(record.number, batch.round, RowStatus.PENDING.value, data)


def pace_of(batch: CsvBatch) -> tuple[int, float, float]:
    """Return batch size, seconds between batches and for a row: as the import, the processor or the site says."""
    known = processors.get(batch.processor)
    size = batch.batch_size or known.batch_size or settings.IMPORTS_BATCH_SIZE
    delay = next(d for d in (batch.delay, known.delay, settings.IMPORTS_DELAY) if d is not None)
    timeout = batch.row_timeout or known.timeout or settings.IMPORTS_ROW_TIMEOUT
    return (size if known.many else min(size, MOST_AT_ONCE)), delay, timeout


def _plan(batch: CsvBatch) -> dict[str, Any]:
    size, delay, timeout = pace_of(batch)
    rows = batch.rows.filter(round=batch.round).count()
    batches = -(-rows // size)
    CsvBatch.objects.filter(pk=batch.pk).update(batches=batches, batch_now=0)
    fold(batch.pk)
    plan = {"batch": batch.pk, "round": batch.round, "rows": rows, "batches": batches}
    return {**plan, "size": size, "delay": delay, "timeout": timeout}


def pause_of(batch: int) -> int | None:
    """Return the number of the pause that a file is in; None if it is not paused."""
    return CsvBatch.objects.filter(pk=batch, status=BatchStatus.PAUSED).values_list("pauses", flat=True).first()


def process_batch(plan: Mapping[str, Any], after: int, last: bool) -> dict[str, Any]:
    """Work on the next rows of the plan behind this line.

    {"line": of the last of them, "pause": None}, or the number of the pause that kept it from doing anything. Rows
    that have ended are not touched again, so a batch that is repeated goes on where it stopped. Raises
    RetryAfterError if rows want to be tried again later and this is not the last attempt.
    """
    batch = CsvBatch.objects.get(pk=plan["batch"])
    if batch.status == BatchStatus.PAUSED:
        return {"line": after, "pause": batch.pauses}
    if batch.status == BatchStatus.FAILED:
        # Its run failed and was retried by an operator.
        CsvBatch.objects.filter(pk=batch.pk, status=BatchStatus.FAILED).update(status="PROCESSING", error="")
    rows = moving.window(batch.pk, plan["round"], after, plan["size"])
    todo = [pk for pk, _, status in rows if status in (RowStatus.PENDING, RowStatus.PROCESSING)]
    work = _work(batch, plan["timeout"], last)
    known = _processor(batch)
    if known.many:
        process_set(todo, known.many, work)
    else:
        work.do(moving.claim(todo))
    if work.until is not None:
        raise jobs.RetryAfterError("Some rows asked to be tried again later.", max(work.until, clock.now()))
    return {"line": rows[-1][1] if rows else after, "pause": None}


def _work(batch: CsvBatch, timeout: float, last: bool) -> Work:
    known = _processor(batch)
    names = [column.name for column in known.columns]

    def row(claimed: Claimed) -> Row:
        return Row(claimed.pk, batch.pk, claimed.number, batch.mapped(claimed.data, names))

    apply = known.apply if known.many is None else alone(known.many)
    assert apply is not None  # noqa: S101
    return Work(row=row, apply=apply, ask=known.ask, timeout=timeout, last=last)


def update_progress(plan: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Note which batch is done; returns {"done", "total"} in rows."""
    CsvBatch.objects.filter(pk=plan["batch"]).update(batch_now=number)
    fold(plan["batch"])
    counts = counts_of([plan["batch"]])[plan["batch"]]
    return {"done": counts.processed, "total": counts.to_process}


def finalize(batch_id: int) -> dict[str, int]:
    """Note how an import has ended: FAILED only if every row failed."""
    fold(batch_id)
    counts = counts_of([batch_id])[batch_id]
    batch = CsvBatch.objects.locked().get(pk=batch_id)
    if batch.status == BatchStatus.CANCELLED:
        raise NonRetriableError(f"“{batch}” was cancelled.")
    all_failed = counts.failed > 0 and not counts.completed
    batch.status = BatchStatus.FAILED if all_failed else BatchStatus.COMPLETED
    rows = "row" if counts.failed == 1 else "rows"
    batch.error = f"{counts.failed:,} {rows} failed processing." if counts.failed else ""
    batch.finished_at = timezone.now()
    batch.save(update_fields=["status", "error", "finished_at"])
    found = {"total": counts.total, "successful": counts.completed, "failed": counts.failed}
    return {**found, "skipped": counts.skipped}


@transaction.atomic
def note_failure(run_id: str, error: Mapping[str, Any] | None) -> bool:
    """Note in one sentence why a run failed; False if it owns no file, or one that has ended."""
    batch = CsvBatch.objects.locked().filter(run=run_id, status__in=LIVE).first()
    if batch is None or Run.objects.live().filter(pk=run_id).exists():
        return False
    batch.status, batch.error, batch.finished_at = BatchStatus.FAILED, sentence(error), timezone.now()
    batch.save(update_fields=["status", "error", "finished_at"])
    return True


def sentence(error: Mapping[str, Any] | None) -> str:
    """Return one sentence for people from a run's error; what is no error of ours is for programmers."""
    error = error or {}
    lines = [line.strip() for line in str(error.get("message") or "").splitlines() if line.strip()]
    ours = error.get("code") == "non_retriable" or error.get("name") in PLAIN
    return lines[-1][:500] if lines and ours else UNEXPECTED.format(name=error.get("name") or "no error given")


__all__ = ["SUBJECT", "finalize", "initialize", "note_failure", "pause_of", "process_batch", "update_progress"]
