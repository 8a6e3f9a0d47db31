"""How pages show a job: its status as a badge, and how far it is."""

from datetime import timedelta

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.templatetags.jobs_console import status_badge
from tenders.models import JobLog, JobStatus

register = template.Library()
TONES = {
    JobStatus.PENDING: "queued",
    JobStatus.RUNNING: "running",
    JobStatus.SUCCESS: "completed",
    JobStatus.FAILED: "failed",
}


@register.simple_tag
def job_badge(log: JobLog) -> SafeString:
    """The status as glyph, word and colour."""
    return status_badge(log.status, TONES[JobStatus(log.status)], log.get_status_display())


@register.simple_tag
def job_progress(log: JobLog) -> SafeString:
    """A bar with done and total, the rate and the time left, as far as they are known."""
    words = f"{log.pages} pages, {log.processed} records"
    if log.enriched or log.enrichment_failed:
        words += f", {log.enriched + log.enrichment_failed} of {log.to_enrich} looked up"
    if log.processed and log.rate:
        words += f", {log.rate:.1f} records/s"
    if left := log.time_left:
        words += f", about {in_words(left)} left"
    if not log.total:
        return format_html('<span class="muted">{}</span>', words if log.started_at else "Waits for its turn.")
    return format_html(
        '<progress class="job-progress" value="{}" max="{}" aria-label="Done">{}%</progress>'
        '<div class="muted under">{} of {} done; {}</div>',
        f"{log.done:.2f}",
        f"{log.total:.2f}",
        round(100 * log.done / log.total),
        f"{log.done:g}" if log.done == int(log.done) else f"{log.done:.1f}",
        f"{log.total:g}",
        words,
    )


def in_words(span: timedelta) -> str:
    """Return a duration in its two largest units."""
    seconds = max(1, round(span.total_seconds()))
    units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")]
    parts = []
    for size, unit in units:
        if seconds >= size and len(parts) < 2:
            parts.append(f"{seconds // size} {unit}")
            seconds %= size
    return " ".join(parts)


@register.filter
def humanly(name: str) -> str:
    """Return a column's name as words."""
    return name.replace("_", " ").capitalize()
