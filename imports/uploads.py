"""Taking in one uploaded file: refused in words, known already, or stored together with what reading it found."""

import hashlib
import re
from pathlib import PurePath
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.template.defaultfilters import date as formatted
from django.utils import timezone

from imports import files, processors
from imports.models import CsvBatch
from imports.reading import MAX_BYTES, Choices, Unreadable
from imports.reading.base import ACCEPTED

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]+")
TOO_LARGE = (
    f"The file is larger than {MAX_BYTES // 1024**2} MB, the most an import may have; split it and upload the parts."
)


class Refused(Exception):
    """The file is not taken; the message is one sentence for people, `status` the HTTP status that fits."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class AlreadyUploaded(Exception):
    """The same bytes were uploaded before, as `first`."""

    def __init__(self, first: CsvBatch) -> None:
        day = formatted(timezone.localtime(first.uploaded_at), "j M")
        super().__init__(f"Already uploaded on {day}.")
        self.first = first


def receive(
    upload: UploadedFile,
    *,
    by: AbstractBaseUser | None = None,
    sender: str = "",
    processor: str = "",
    choices: Choices | None = None,
    again: bool = False,
) -> CsvBatch:
    """Store a file with what reading it found, or raise Refused or AlreadyUploaded and store nothing.

    again: take it although the same bytes are known.
    """
    if (upload.size or 0) > MAX_BYTES:
        raise Refused(TOO_LARGE, 413)
    upload.seek(0)
    sha256 = hashlib.file_digest(upload.file, "sha256").hexdigest()
    known = CsvBatch.objects.filter(sha256=sha256).order_by("is_repeat", "pk").first()
    if known and not again:
        raise AlreadyUploaded(known)
    batch = _new(upload, sha256, known)
    batch.uploaded_by, batch.sent_by = by, sender[:100]
    batch.processor = processor or _only_processor()
    upload.seek(0)
    _look(batch, upload.file, choices or Choices())
    return _stored(batch, upload)


def _new(upload: UploadedFile, sha256: str, known: CsvBatch | None) -> CsvBatch:
    return CsvBatch(
        original_filename=filename_of(upload.name),
        size=upload.size or 0,
        sha256=sha256,
        again_of=known,
        is_repeat=known is not None,
    )


def repeat(first: CsvBatch, *, by: AbstractBaseUser | None = None, sender: str = "") -> CsvBatch:
    """Take the file of an import in again, deliberately, read and mapped as it was; raises Refused."""
    batch = CsvBatch(sent_by=sender[:100], uploaded_by=by, again_of=first, is_repeat=True)
    copied = ("original_filename", "size", "sha256", "processor", "mapping", "batch_size", "delay", "row_timeout")
    for name in (*copied, "kind", "headers"):
        setattr(batch, name, getattr(first, name))
    try:
        with files.opened(first) as stream:
            files.look(batch, stream, files.choices_of(first))
            stream.seek(0)
            return _stored(batch, File(stream))
    except Unreadable as error:
        raise Refused(str(error), 415) from None


def filename_of(name: str | None) -> str:
    """Return a file's name without folders and without what cannot be shown."""
    return _CONTROLS.sub(" ", PurePath((name or "").replace("\\", "/")).name).strip()[-200:] or "rows.csv"


def _only_processor() -> str:
    every = processors.every()
    return every[0].name if len(every) == 1 else ""


def _look(batch: CsvBatch, stream: Any, choices: Choices) -> None:
    try:
        files.look(batch, stream, choices)
        if batch.processor:
            files.propose(batch)
            stream.seek(0)
            files.look(batch, stream, files.choices_of(batch))
    except Unreadable as error:
        raise Refused(_named(batch, str(error)), 415) from None


def _named(batch: CsvBatch, words: str) -> str:
    for start, instead in (("The file ", ""), ("This is ", "is ")):
        if words.startswith(start):
            return f"“{batch}” {instead}{words.removeprefix(start)}"
    return words


def _stored(batch: CsvBatch, content: Any) -> CsvBatch:
    # The file goes first and without a transaction: storage may be another machine. Its name in storage is ours.
    suffix = re.sub(r"[^a-z0-9.]", "", PurePath(batch.original_filename).suffix.lower())[:10]
    content.seek(0)
    stored = default_storage.save(batch.file.field.generate_filename(batch, f"{uuid4().hex}{suffix}"), content)
    batch.file.name = stored
    kept = False
    try:
        with transaction.atomic():
            batch.save()
        kept = True
    except IntegrityError:
        # The same file, in another request at the same time.
        if first := CsvBatch.objects.filter(sha256=batch.sha256, is_repeat=False).first():
            raise AlreadyUploaded(first) from None
        raise
    finally:
        if not kept:
            default_storage.delete(stored)
    return batch


def remove(batch: CsvBatch) -> None:
    """Delete an import with its rows and its file."""
    stored = batch.file.name
    with transaction.atomic():
        batch.delete()
        # Not before the commit: a file that is gone cannot be rolled back.
        transaction.on_commit(lambda: default_storage.delete(stored), robust=True)


__all__ = ["ACCEPTED", "AlreadyUploaded", "Refused", "filename_of", "receive", "remove", "repeat"]
