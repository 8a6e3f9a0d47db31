"""Taking in one uploaded file: refused in words, known already, or stored together with the event that parses it."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.template.defaultfilters import date as formatted
from django.utils import timezone

from jobs.types import Source
from transcripts import events, formats, reading
from transcripts.formats.base import named, one_line
from transcripts.models import NoteType, Opportunity, Transcript


class Refused(Exception):
    """The file is not taken; the message is one sentence for people, `status` the HTTP status that fits."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class AlreadyUploaded(Exception):
    """The same bytes were uploaded before, as `first`."""

    def __init__(self, first: Transcript) -> None:
        day = formatted(timezone.localtime(first.uploaded_at), "j M")
        super().__init__(f"Already uploaded on {day}.")
        self.first = first


@dataclass(frozen=True)
class About:
    """What the uploader says about a call."""

    title: str = ""
    opportunity: Opportunity | None = None
    note_type: str = NoteType.CUSTOMER
    call_date: date | None = None
    source_url: str = ""
    uploaded_by: AbstractBaseUser | None = field(default=None, repr=False)
    sender: str = ""
    source: Source = Source.EVENT


def receive(upload: UploadedFile, about: About) -> Transcript:
    """Store a file as a transcript and start its parse, or raise Refused or AlreadyUploaded and store nothing.

    The content is looked at, not the name. What needs the whole file to be read is left to the run.
    """
    filename = one_line(PurePath(upload.name or "").name)[-200:] or "transcript"
    content = _content(upload, filename)
    sha256 = hashlib.sha256(content).hexdigest()
    _refuse_known(sha256)
    transcript = Transcript(
        title=one_line(about.title)[:200] or title_from(filename),
        opportunity=about.opportunity,
        note_type=about.note_type,
        call_date=about.call_date,
        source_url=about.source_url,
        uploaded_by=about.uploaded_by,
        filename=filename,
        size=len(content),
        sha256=sha256,
        format=_sniffed(content, filename),
    )
    return _stored(transcript, content, about)


def _content(upload: UploadedFile, filename: str) -> bytes:
    if (upload.size or 0) > formats.MAX_BYTES:
        most = formats.MAX_BYTES // 1024**2
        raise Refused(f"{named(filename)} is larger than {most} MB, the most a transcript may have.", 413)
    content = upload.read()
    if not content.strip():
        raise Refused(f"{named(filename)} is empty; there are no words in it.", 400)
    return content


def _sniffed(content: bytes, filename: str) -> str:
    try:
        return reading.sniff(content, filename)
    except reading.Unreadable as error:
        raise Refused(str(error), 415) from None


def _refuse_known(sha256: str) -> None:
    if first := Transcript.objects.filter(sha256=sha256).first():
        raise AlreadyUploaded(first)


def _stored(transcript: Transcript, content: bytes, about: About) -> Transcript:
    # The file goes first and without a transaction: storage may be another machine. Its name in storage is ours.
    suffix = re.sub(r"[^a-z0-9.]", "", PurePath(transcript.filename).suffix.lower())[:10]
    wanted = transcript.file.field.generate_filename(transcript, f"{uuid4().hex}{suffix}")
    stored = default_storage.save(wanted, ContentFile(content))
    transcript.file.name = stored
    kept = False
    try:
        with transaction.atomic():
            transcript.save()
            events.send_uploaded(transcript, source=about.source, sender=about.sender[:100])
        kept = True
    except IntegrityError:
        _refuse_known(transcript.sha256)  # the same file, in another request at the same time
        raise
    finally:
        if not kept:
            default_storage.delete(stored)
    return transcript


def title_from(filename: str) -> str:
    """Return a title made from a file's name."""
    stem = re.sub(r"[_\s]+", " ", PurePath(filename).stem).strip(" -.")
    return (stem[:1].upper() + stem[1:])[:200] or "Call"


def outcome(upload: UploadedFile, about: About) -> dict[str, Any]:
    """Do the same, with every way it can end as a value for pages: status, words, transcript."""
    name = one_line(upload.name or "")
    try:
        return {"name": name, "status": 201, "transcript": receive(upload, about), "words": ""}
    except AlreadyUploaded as known:
        return {"name": name, "status": 409, "transcript": known.first, "words": str(known)}
    except Refused as refusal:
        return {"name": name, "status": refusal.status, "transcript": None, "words": str(refusal)}
