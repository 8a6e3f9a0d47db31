"""Saying how a file is read and what becomes of its rows, as long as nobody has started it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from imports import files, processors
from imports.models import BatchStatus, CsvBatch
from imports.reading import Choices, Unreadable


class NotChanged(Exception):
    """This file cannot be read or set up like that; the message says why."""


@dataclass(frozen=True)
class Wishes:
    """What somebody wants; None leaves a thing as it is."""

    processor: str = ""
    mapping: dict[str, str] | None = None
    choices: Choices | None = None
    pace: dict[str, Any] = field(default_factory=dict)


def change(pk: int, wishes: Wishes) -> CsvBatch:
    """Read a file as it is wished and count again what can be imported; raises NotChanged."""
    batch = CsvBatch.objects.get(pk=pk)
    if batch.status != BatchStatus.UPLOADED:
        raise NotChanged(f"“{batch}” has been started already.")
    before = batch.processor, batch.headers
    batch.processor = wishes.processor
    if batch.processor:
        try:
            processors.get(batch.processor)
        except processors.UnknownProcessor as error:
            raise NotChanged(str(error)) from None
    for name, value in wishes.pace.items():
        setattr(batch, name, value)
    try:
        with files.opened(batch) as stream:
            batch.mapping = dict(wishes.mapping if wishes.mapping is not None else batch.mapping)
            files.look(batch, stream, wishes.choices or files.choices_of(batch))
            if batch.processor and (batch.processor, batch.headers) != before:
                _propose_more(batch, chosen=wishes.mapping)
                stream.seek(0)
                files.look(batch, stream, files.choices_of(batch))
    except Unreadable as error:
        raise NotChanged(str(error)) from None
    _save(batch)
    return batch


def _propose_more(batch: CsvBatch, chosen: dict[str, str] | None) -> None:
    kept = {column: header for column, header in (chosen or {}).items() if header in batch.headers}
    files.propose(batch)
    taken = set(kept.values())
    batch.mapping = {column: header for column, header in batch.mapping.items() if header not in taken} | kept


@transaction.atomic
def _save(batch: CsvBatch) -> None:
    # Somebody may have started it while it was read.
    if CsvBatch.objects.locked().get(pk=batch.pk).status != BatchStatus.UPLOADED:
        raise NotChanged(f"“{batch}” has been started already.")
    batch.save()
