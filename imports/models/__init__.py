"""Files, their rows, and all SQL of the product."""

from imports.models.batch import SUBJECT, BatchStatus, CsvBatch, CsvBatchQuerySet
from imports.models.counting import Counts, RowCount, counts_of, fold
from imports.models.moving import Claimed
from imports.models.row import OPEN_ROWS, CsvRow, RowStatus

__all__ = [
    "OPEN_ROWS",
    "SUBJECT",
    "BatchStatus",
    "Claimed",
    "Counts",
    "CsvBatch",
    "CsvBatchQuerySet",
    "CsvRow",
    "RowCount",
    "RowStatus",
    "counts_of",
    "fold",
]
