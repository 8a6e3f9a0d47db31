"""One file of rows: where it is kept, how it is read, what shall become of its rows, and where that stands."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from jobs.models import Run

SUBJECT = "imports.csvbatch/"
DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Pipe"}


class BatchStatus(models.TextChoices):
    """Where the import of a file is."""

    UPLOADED = "UPLOADED", "Uploaded"
    """Stored; somebody has to say what becomes of it."""
    QUEUED = "QUEUED", "Queued"
    """Its run has not begun."""
    PROCESSING = "PROCESSING", "Processing"
    """Its run works on the rows."""
    PAUSED = "PAUSED", "Paused"
    """Its run waits to be resumed, or will once the batch under way is done."""
    COMPLETED = "COMPLETED", "Completed"
    """Every row has been tried, and not all of them failed."""
    FAILED = "FAILED", "Failed"
    """Every row failed, or the run did; the error says why."""
    CANCELLED = "CANCELLED", "Cancelled"
    """Somebody stopped it; what had been imported stays."""


LIVE = (BatchStatus.QUEUED, BatchStatus.PROCESSING, BatchStatus.PAUSED)


class CsvBatchQuerySet(models.QuerySet["CsvBatch"]):
    """What verbs and pages ask of files."""

    def locked(self) -> CsvBatchQuerySet:
        """Lock what is found, but not against rows that refer to it: those are being written meanwhile."""
        return self.select_for_update(no_key=True)

    def search(self, words: str) -> CsvBatchQuerySet:
        """Return those whose file or error has these words."""
        return self.filter(Q(original_filename__icontains=words) | Q(error__icontains=words)) if words else self


class CsvBatch(models.Model):
    """A file that was uploaded, and its import."""

    file = models.FileField(upload_to="imports/%Y/%m/", max_length=200)
    original_filename = models.CharField(max_length=200)
    size = models.PositiveIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    again_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="repeats")
    is_repeat = models.BooleanField(default=False, help_text="Imported again although the same file was known.")
    kind = models.CharField(max_length=4, help_text="csv, xlsx or xls.")
    encoding = models.CharField(max_length=40, blank=True, default="")
    delimiter = models.CharField(max_length=1, blank=True, default="")
    sheets = models.JSONField(default=list)
    sheet = models.CharField(max_length=100, blank=True, default="")
    header_line = models.PositiveIntegerField(default=1, help_text="0: no line has the names of the columns.")
    headers = models.JSONField(default=list)
    mapping = models.JSONField(default=dict, help_text="The header for each column of the processor.")
    processor = models.CharField(max_length=100, blank=True, default="")
    checked = models.JSONField(default=dict, help_text="What reading the file found: rows, good, preview, problems.")
    batch_size = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(5000)]
    )
    delay = models.FloatField("seconds between batches", null=True, blank=True, validators=[MinValueValidator(0)])
    row_timeout = models.FloatField("seconds for a row", null=True, blank=True, validators=[MinValueValidator(0.05)])
    status = models.CharField(max_length=10, choices=BatchStatus.choices, default=BatchStatus.UPLOADED)
    error = models.TextField(blank=True, default="")
    run = models.UUIDField(null=True, blank=True, help_text="The run that works on it, or did last.")
    round = models.PositiveIntegerField(default=0, help_text="Grows each time rows are queued.")
    pauses = models.PositiveIntegerField(default=0, help_text="How often it was paused; a resume ends one of them.")
    batch_now = models.PositiveIntegerField(default=0)
    batches = models.PositiveIntegerField(default=0)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    sent_by = models.CharField(max_length=100, blank=True, default="", help_text="The program's key, or the person.")
    uploaded_at = models.DateTimeField(default=timezone.now)
    stored_at = models.DateTimeField(null=True, blank=True, help_text="When its rows were stored.")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = CsvBatchQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "import"
        constraints = [
            # Two uploads of one file at the same time: one of them is told of the other.
            models.UniqueConstraint(fields=["sha256"], condition=Q(is_repeat=False), name="csv_file_once"),
        ]
        indexes = [
            models.Index(fields=["run"], name="csvbatch_run", condition=Q(run__isnull=False)),
            models.Index(fields=["sha256"], name="csvbatch_sha256"),
        ]
        permissions = [("run_csvbatch", "Can start, pause, resume, cancel and retry imports")]

    def __str__(self) -> str:
        return self.original_filename

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("imports:detail", args=[self.pk])

    @property
    def is_live(self) -> bool:
        """Whether a run is to finish it."""
        return self.status in LIVE

    @property
    def subject(self) -> str:
        """What its runs carry as their subject."""
        return f"{SUBJECT}{self.pk}"

    @property
    def delimiter_name(self) -> str:
        """The delimiter in a word."""
        return DELIMITERS.get(self.delimiter, "")

    def live_run(self) -> Run | None:
        """Return the run that works on it, if it lives."""
        return Run.objects.live().filter(pk=self.run).first() if self.run else None

    def mapped(self, data: dict[str, Any], columns: list[str]) -> dict[str, str]:
        """Return a row's cells by the names of columns, stripped; "" where the file has no such column."""
        return {name: data.get(self.mapping.get(name, ""), "").strip() for name in columns}
