"""Files of rows, read without database or network: text and spreadsheets, line by line in bounded memory."""

from imports.reading.base import MAX_BYTES, MAX_ROWS, Choices, Record, Unreadable
from imports.reading.table import Table, open_table

__all__ = ["MAX_BYTES", "MAX_ROWS", "Choices", "Record", "Table", "Unreadable", "open_table"]
