"""Fan-outs: which captures belong to one, how each has ended, and the one moment when all of them have."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, models, transaction
from django.db.models import Count, Q
from django.utils import timezone

from pulls.models.choices import JobType, Outcome
from pulls.models.repository import Repository


class Batch(models.Model):
    """The captures of one kind that one sync or one press has asked for."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="batches")
    job_type = models.CharField(max_length=8, choices=JobType.choices)
    origin = models.CharField(max_length=80, help_text="What asked for it; the same again adds to the same batch.")
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, help_text="Nothing is added from here on.")
    completed_at = models.DateTimeField(null=True, help_text="Every capture had ended, and it was told.")
    success_count = models.PositiveIntegerField(default=0)
    failure_count = models.PositiveIntegerField(default=0)
    total_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "batches"
        constraints = [models.UniqueConstraint(fields=["origin", "job_type"], name="batch_once")]

    def __str__(self) -> str:
        return f"{self.job_type} {self.pk}"

    @classmethod
    def add(cls, repository: int, origin: str, kind: JobType, numbers: Iterable[int]) -> int:
        """Put captures into a batch, those that are in it already once; returns the batch's id."""
        batch, _ = cls.objects.get_or_create(origin=origin, job_type=kind, defaults={"repository_id": repository})
        items = [BatchItem(batch=batch, number=number) for number in numbers]
        BatchItem.objects.bulk_create(items, ignore_conflicts=True)
        return batch.pk

    @classmethod
    def open_of(cls, origin: str) -> list[int]:
        """Return the batches of an origin that nobody has closed."""
        return list(cls.objects.filter(origin=origin, closed_at=None).order_by("pk").values_list("pk", flat=True))

    @classmethod
    def settle(cls, pk: int) -> Batch | None:
        """Return the batch if all of it has ended and nobody was told yet; that is from then on so.

        Whoever ends a capture comes here in the same transaction and waits for the row, so the last one sees all
        others, and exactly one gets the batch.
        """
        batch = cls.objects.select_for_update().filter(pk=pk).first()
        if batch is None or batch.closed_at is None or batch.completed_at is not None:
            return None
        if batch.items.filter(outcome=Outcome.OPEN).exists():
            return None
        batch._count()
        batch.completed_at = timezone.now()
        batch.save()
        return batch

    def _count(self) -> None:
        ended = self.items.aggregate(
            total=Count("pk"),
            success=Count("pk", filter=Q(outcome=Outcome.SUCCESS)),
            failure=Count("pk", filter=Q(outcome=Outcome.FAILURE)),
        )
        self.total_count = ended["total"]
        self.success_count, self.failure_count = ended["success"], ended["failure"]


class BatchItem(models.Model):
    """One capture of a batch."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items", db_index=False)
    number = models.PositiveIntegerField()
    outcome = models.CharField(max_length=7, choices=Outcome.choices, default=Outcome.OPEN, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="batch_item_once")]
        indexes = [models.Index(fields=["batch"], name="batch_item_open", condition=Q(outcome=Outcome.OPEN))]

    def __str__(self) -> str:
        return f"#{self.number} of {self.batch_id}"


class Delivery(models.Model):
    """A webhook that was taken in. The signature is kept too: the id in the header is not signed."""

    guid = models.CharField(max_length=64, unique=True)
    signature = models.CharField(max_length=64, unique=True)
    received_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return self.guid

    @classmethod
    def take(cls, guid: str, signature: str) -> bool:
        """Note a delivery; False means that it came before. In the transaction that sends what it leads to."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_TAKE, [guid, signature])
            return cursor.rowcount == 1


_TAKE = """
INSERT INTO pulls_delivery (guid, signature, received_at) VALUES (%s, %s, statement_timestamp()) ON CONFLICT DO NOTHING
"""
