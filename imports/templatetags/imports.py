"""How pages show an import: its status as a badge, how far it is, and what a row is mapped to."""

from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from imports.models import BatchStatus, Counts, CsvBatch, CsvRow, RowStatus
from jobs.templatetags.jobs_console import status_badge

register = template.Library()
TONES = {
    BatchStatus.UPLOADED: "queued",
    BatchStatus.QUEUED: "queued",
    BatchStatus.PROCESSING: "running",
    BatchStatus.PAUSED: "waiting",
    BatchStatus.COMPLETED: "completed",
    BatchStatus.FAILED: "failed",
    BatchStatus.CANCELLED: "cancelled",
}
ROW_TONES = {
    RowStatus.PENDING: "queued",
    RowStatus.PROCESSING: "running",
    RowStatus.COMPLETED: "completed",
    RowStatus.FAILED: "failed",
    RowStatus.SKIPPED: "skipped",
    RowStatus.CANCELLED: "cancelled",
}


@register.simple_tag
def import_badge(batch: CsvBatch) -> SafeString:
    """The status as glyph, word and colour."""
    return status_badge(batch.status, TONES[BatchStatus(batch.status)], batch.get_status_display())


@register.simple_tag
def row_badge(row: CsvRow) -> SafeString:
    """The same of a row."""
    return status_badge(row.status, ROW_TONES[RowStatus(row.status)], row.get_status_display())


@register.simple_tag
def import_progress(batch: CsvBatch, counts: Counts) -> SafeString:
    """A bar with done and total, the batch under way, the rate and the time left, as far as they are known."""
    if not counts.total:
        words = "Its rows are being stored." if batch.status == BatchStatus.PROCESSING else "Waits for a worker."
        return format_html('<span class="muted">{}</span>', words)
    return format_html(
        '<progress value="{}" max="{}" aria-label="Rows done">{}%</progress><div class="muted under num">{}</div>',
        counts.processed,
        counts.to_process,
        round(counts.share),
        ", ".join(pace(batch, counts)),
    )


def pace(batch: CsvBatch, counts: Counts) -> list[str]:
    """Return in words how far an import is and how fast it goes."""
    words = [f"{counts.processed:,} of {counts.to_process:,} rows"]
    if batch.is_live and batch.batches:
        words.append(f"batch {min(batch.batch_now + 1, batch.batches):,} of {batch.batches:,}")
    done = counts.processed - batch.round_from
    if batch.status != BatchStatus.PROCESSING or batch.round_at is None or done <= 0:
        return words
    rate = done / max(0.1, (timezone.now() - batch.round_at).total_seconds())
    words.append(f"{rate:,.0f} rows/s" if rate >= 10 else f"{60 * rate:,.0f} rows/min")
    return [*words, f"about {_span(counts.open / rate)} left"]


def _span(seconds: float) -> str:
    whole = max(1, round(seconds))
    if whole < 90:
        return f"{whole} s"
    return f"{round(whole / 60)} min" if whole < 5400 else f"{whole / 3600:.1f} h"


@register.filter
def cells_of(row: CsvRow) -> list[tuple[str, Any]]:
    """Return the cells of a row that are not blank, by header."""
    return [(header, cell) for header, cell in row.data.items() if cell.strip()]


@register.filter
def said(result: Any) -> str:
    """Return a result in a line."""
    if isinstance(result, dict):
        return ", ".join(f"{name}: {value}" for name, value in result.items())
    return "" if result is None else str(result)
