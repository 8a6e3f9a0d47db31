"""How many rows of a file are where: a ledger that the database keeps in the very statement that moves a row.

A trigger writes a line for each statement and status, so the sums equal the rows at every moment, whoever writes, and
no two writers wait for each other. Folding makes few lines of many. A page asks the ledger: it would take the database
tens of milliseconds to count 100,000 rows, and every open page asks every two seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection, models
from django.db.models import Sum

from imports.models.batch import CsvBatch
from imports.models.row import RowStatus

TRIGGERS = """
CREATE FUNCTION imports_count_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO imports_rowcount (batch_id, status, rows)
    SELECT batch_id, status, count(*) FROM new_rows GROUP BY batch_id, status;
    RETURN NULL;
END $$;
CREATE FUNCTION imports_count_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO imports_rowcount (batch_id, status, rows)
    SELECT batch_id, status, sum(change) FROM (
        SELECT batch_id, status, 1 AS change FROM new_rows
        UNION ALL
        SELECT batch_id, status, -1 FROM old_rows
    ) AS changes
    GROUP BY batch_id, status HAVING sum(change) <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER imports_csvrow_inserted AFTER INSERT ON imports_csvrow
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION imports_count_inserted();
CREATE TRIGGER imports_csvrow_moved AFTER UPDATE ON imports_csvrow
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION imports_count_moved();
"""
NO_TRIGGERS = """
DROP TRIGGER imports_csvrow_inserted ON imports_csvrow;
DROP TRIGGER imports_csvrow_moved ON imports_csvrow;
DROP FUNCTION imports_count_inserted();
DROP FUNCTION imports_count_moved();
"""
_FOLD = """
WITH gone AS (DELETE FROM imports_rowcount WHERE batch_id = %s RETURNING status, rows)
INSERT INTO imports_rowcount (batch_id, status, rows)
SELECT %s, status, sum(rows) FROM gone GROUP BY status HAVING sum(rows) <> 0
"""


class RowCount(models.Model):
    """A line of the ledger: so many rows more, or fewer, are in a status."""

    # No constraint in the database: a check for each line would lock the batch in every writer's transaction.
    batch = models.ForeignKey(CsvBatch, on_delete=models.CASCADE, related_name="ledger", db_constraint=False)
    status = models.CharField(max_length=10, choices=RowStatus.choices)
    rows = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.rows:+} {self.status}"


@dataclass(frozen=True)
class Counts:
    """How many rows are where."""

    pending: int = 0
    processing: int = 0
    completed: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        """All rows of the file."""
        return self.to_process + self.skipped

    @property
    def to_process(self) -> int:
        """The rows that are to be imported, whatever became of them."""
        return self.pending + self.processing + self.completed + self.failed + self.cancelled

    @property
    def processed(self) -> int:
        """Those that have been tried."""
        return self.completed + self.failed

    @property
    def open(self) -> int:
        """Those whose turn is still to come."""
        return self.pending + self.processing

    @property
    def share(self) -> float:
        """How much is done, from 0 to 100."""
        return 100 * self.processed / self.to_process if self.to_process else 0.0


def counts_of(batches: Iterable[int]) -> dict[int, Counts]:
    """Return the counts of these files, in one question."""
    wanted = list(batches)
    found: dict[int, dict[str, int]] = {pk: {} for pk in wanted}
    sums = RowCount.objects.filter(batch__in=wanted).values_list("batch", "status").annotate(Sum("rows"))
    for pk, status, rows in sums:
        found[pk][status.lower()] = rows
    return {pk: Counts(**each) for pk, each in found.items()}


def fold(batch: int) -> None:
    """Make one line for each status of all the lines of a file."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLD, [batch, batch])
