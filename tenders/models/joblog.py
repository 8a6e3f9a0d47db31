"""The history of jobs as the people who run the site read it: what was started, how far it got, how it ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

SUBJECT = "tenders.joblog/"
COUNTERS = ("processed", "added", "updated", "unchanged", "enriched", "enrichment_failed", "skipped")


class JobType(models.TextChoices):
    """What a job does."""

    SYNC = "SYNC", "Sync"
    ENRICH_TODAY = "ENRICH_TODAY", "Enrich today"
    BACKFILL = "BACKFILL", "Backfill"
    IMPORT = "IMPORT", "File import"
    CLEANUP = "CLEANUP", "Clean-up"


class JobStatus(models.TextChoices):
    """How far a job is."""

    PENDING = "PENDING", "Pending"
    RUNNING = "RUNNING", "Running"
    SUCCESS = "SUCCESS", "Success"
    FAILED = "FAILED", "Failed"


class ErrorCategory(models.TextChoices):
    """Whose fault a failure is."""

    EXTERNAL = "EXTERNAL_API_FAILURE", "The portal"
    OURS = "APPLICATION_ERROR", "This site"


OPEN = (JobStatus.PENDING, JobStatus.RUNNING)


class JobLog(models.Model):
    """One job. Its run is found by its subject; `run` is the one that worked on it last."""

    Type, Status = JobType, JobStatus

    type = models.CharField(max_length=12, choices=JobType.choices)
    source = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=7, choices=JobStatus.choices, default=JobStatus.PENDING)
    triggered_by = models.CharField(max_length=100, blank=True)
    admin_user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    parameters = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    error = models.TextField(blank=True)
    error_category = models.CharField(max_length=20, choices=ErrorCategory.choices, blank=True)
    processed = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    enriched = models.PositiveIntegerField(default=0)
    enrichment_failed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    to_enrich = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    done = models.FloatField(default=0, help_text="Of `total`: days of a backfill, releases of nothing else.")
    total = models.FloatField(default=0)
    problems = models.JSONField(default=list, help_text="The first releases that were left out, and why.")
    run = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = "tender job"
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="joblog_newest"),
            models.Index(fields=["run"], name="joblog_run"),
            models.Index(fields=["status"], name="joblog_open", condition=models.Q(status__in=["PENDING", "RUNNING"])),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.source}".strip()

    @property
    def is_open(self) -> bool:
        """Whether a run is to finish it."""
        return self.status in OPEN

    @property
    def subject(self) -> str:
        """What its runs carry as their subject."""
        return f"{SUBJECT}{self.pk}"

    @property
    def counters(self) -> dict[str, int]:
        """The seven sums."""
        return {name: getattr(self, name) for name in COUNTERS}

    @property
    def took(self) -> timedelta | None:
        """How long it has been at work, or was."""
        return ((self.finished_at or timezone.now()) - self.started_at) if self.started_at else None

    @property
    def rate(self) -> float:
        """Records a second."""
        seconds = self.took.total_seconds() if self.took else 0
        return self.processed / seconds if seconds > 0 else 0.0

    @property
    def time_left(self) -> timedelta | None:
        """How long the rest takes at the pace so far; None while nobody can tell."""
        if not (self.is_open and self.took and self.done and self.total > self.done):
            return None
        return self.took * ((self.total - self.done) / self.done)

    def in_words(self) -> str:
        """Return the note of a finished job."""
        words = f"Processed {self.processed} records ({self.added} added, {self.updated} updated)"
        return f"{words}, enriched {self.enriched}/{self.to_enrich}" if self.to_enrich else words


class SavedPage(models.Model):
    """A page of a job whose releases are stored: written with them, so it is never fetched again."""

    log = models.ForeignKey(JobLog, on_delete=models.CASCADE, related_name="saved_pages")
    number = models.PositiveIntegerField()
    outcome = models.JSONField()
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "number"], name="page_once")]

    def __str__(self) -> str:
        return f"{self.log_id}: page {self.number}"

    @classmethod
    def outcome_of(cls, log: int, number: int) -> Any | None:
        """Return what a step that saved this page returned, None if none has."""
        return cls.objects.filter(log_id=log, number=number).values_list("outcome", flat=True).first()
