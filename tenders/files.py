"""Package files that people bring: kept until they are imported, and read all or not at all."""

from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from jobs.errors import NonRetriableError
from tenders import events, importing, joblogs
from tenders.models import JobLog, JobType
from tenders.ocds.scanner import BadPackage


class UnreadableFile(NonRetriableError):
    """The file is no OCDS package; the message says where and why."""


def receive(upload: UploadedFile, *, by: AbstractBaseUser) -> JobLog:
    """Keep an upload and start its import."""
    stored = default_storage.save(f"tenders/{uuid4().hex}.json", upload)
    try:
        data = {"file": stored, "name": (upload.name or "")[:200], "source": "file"}
        return events.start(JobType.IMPORT, data, by=by, sender=str(by))
    except BaseException:
        default_storage.delete(stored)
        raise


def take_in(log_id: int, stored: str) -> dict[str, int]:
    """Import a kept file in the caller's transaction, and let it go once that is committed."""
    if not stored.startswith("tenders/") or ".." in stored or not default_storage.exists(stored):
        raise UnreadableFile("The file is no longer in storage; upload it again.")
    try:
        with default_storage.open(stored, "rb") as stream:
            taken = importing.import_file(stream)
    except BadPackage as error:
        raise UnreadableFile(str(error)) from None
    joblogs.count_page(log_id, taken.counters, taken.problems, None)
    transaction.on_commit(lambda: default_storage.delete(stored), robust=True)
    return taken.counters
