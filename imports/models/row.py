"""One row of a file: its cells, where it stands, and what came of it. The rows are the truth about an import."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from imports.models.batch import CsvBatch
from jobs.models.fields import JSONTextField


class RowStatus(models.TextChoices):
    """Where one row is."""

    PENDING = "PENDING", "Waiting"
    """Its turn has not come."""
    PROCESSING = "PROCESSING", "Processing"
    """An attempt has begun."""
    COMPLETED = "COMPLETED", "Imported"
    """Done, once; the result says what came of it."""
    FAILED = "FAILED", "Failed"
    """The error says why; it can be tried again."""
    SKIPPED = "SKIPPED", "Left out"
    """Something is wrong with the row itself, so it was never tried."""
    CANCELLED = "CANCELLED", "Cancelled"
    """Somebody stopped the import before its turn came."""


OPEN_ROWS = (RowStatus.PENDING, RowStatus.PROCESSING)


class CsvRow(models.Model):
    """A row, from the file to its result."""

    batch = models.ForeignKey(CsvBatch, on_delete=models.CASCADE, related_name="rows", db_index=False)
    number = models.PositiveIntegerField(help_text="The physical line where it begins; of a spreadsheet, the row.")
    round = models.PositiveIntegerField(help_text="In which queueing of rows it is; 0 for one that is left out.")
    status = models.CharField(max_length=10, choices=RowStatus.choices)
    attempts = models.PositiveIntegerField(default=0, help_text="Grows with each try; fences writes of earlier ones.")
    # Text, not jsonb: the order of the columns stays, and so does every character a result may have.
    data = JSONTextField(help_text="The cells by header.")
    answer = JSONTextField(null=True, help_text="What asking brought, kept so that it is never asked for twice.")
    result = JSONTextField(null=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "row"
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="row_once")]
        indexes = [
            models.Index(fields=["batch", "round", "number"], name="row_turn"),
            models.Index(
                fields=["batch", "status", "number"], name="row_wrong", condition=Q(status__in=["FAILED", "SKIPPED"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}: line {self.number}"
