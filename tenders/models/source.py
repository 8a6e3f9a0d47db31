"""What is known about each source: whether it is on schedule, how far it has been read, when its turn is next."""

from datetime import UTC, datetime, timedelta

from django.db import connection, models
from django.utils import timezone

STALE_AFTER = timedelta(hours=2)


class SourceState(models.Model):
    """One source's switch and cursor."""

    source = models.CharField(max_length=40, unique=True)
    scheduled = models.BooleanField(default=False, help_text="Read every 30 minutes.")
    cursor = models.DateTimeField(null=True, blank=True, help_text="Everything up to here is stored.")
    page_size = models.PositiveIntegerField(default=0, help_text="What the portal coped with last; 0: the usual.")
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["source"]

    def __str__(self) -> str:
        return self.source

    @property
    def is_stale(self) -> bool:
        """Whether a source on schedule has not been read for too long."""
        return self.scheduled and (self.last_success_at or datetime.min.replace(tzinfo=UTC)) < (
            timezone.now() - STALE_AFTER
        )


class Pace(models.Model):
    """When the next request to a service may go out; shared by all workers."""

    service = models.CharField(max_length=60, primary_key=True)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.service

    @classmethod
    def reserve(cls, service: str, interval: timedelta) -> float:
        """Take the next free moment for a request and return the seconds until then.

        One statement: two workers that ask at once get two moments, at least `interval` apart.
        """
        with connection.cursor() as cursor:
            cursor.execute(_RESERVE, {"service": service, "interval": interval})
            (seconds,) = cursor.fetchone()
        return max(0.0, float(seconds))


_RESERVE = """
INSERT INTO tenders_pace AS pace (service, next_at) VALUES (%(service)s, clock_timestamp() + %(interval)s)
ON CONFLICT (service) DO UPDATE SET next_at = greatest(pace.next_at, clock_timestamp()) + %(interval)s
RETURNING extract(epoch FROM next_at - %(interval)s - clock_timestamp())
"""
