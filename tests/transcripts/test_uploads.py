"""Taking in a file: stored with its event in one transaction, or refused in words with nothing stored."""

import hashlib
import shutil
import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jobs.models import Event, Run
from tests.transcripts.conftest import CALL
from transcripts import events, uploads
from transcripts.models import Status, Transcript

pytestmark = pytest.mark.django_db
ABOUT = uploads.About()


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def receive(content, name="call.txt", about=ABOUT):
    return uploads.receive(SimpleUploadedFile(name, content), about)


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def nothing_is_stored(folder):
    return not (Transcript.objects.exists() or Event.objects.exists() or Run.objects.exists() or files_in(folder))


def test_a_call_is_stored_with_its_event_and_its_run(media_folder):
    call = receive(CALL.encode(), "acme_intro call.txt")
    assert (call.title, call.filename, call.format) == ("Acme intro call", "acme_intro call.txt", "text")
    assert (call.status, call.sha256) == (Status.PENDING, hashlib.sha256(CALL.encode()).hexdigest())
    run = Run.objects.get()
    assert (run.pk, run.subject, run.status) == (call.run, f"transcripts.transcript/{call.pk}", "QUEUED")
    assert Event.objects.get().data == {"transcript_id": call.pk}
    assert [path.read_bytes() for path in files_in(media_folder)] == [CALL.encode()]


def test_the_name_in_storage_is_ours_not_the_uploaders():
    call = receive(CALL.encode(), "../../etc/<b>evil</b>.ph p")
    assert call.file.name.startswith("transcripts/")
    assert "evil" not in call.file.name
    assert "/" not in call.filename


@pytest.mark.parametrize(
    ("content", "name", "status", "words"),
    [
        (b"", "empty.txt", 400, "empty.txt is empty"),
        (b" \r\n\t\n", "blank.txt", 400, "blank.txt is empty"),
        (png(), "holiday.txt", 415, "holiday.txt"),
        (b"\x7fELF" + bytes(range(256)) * 20, "tool.vtt", 415, "tool.vtt"),
        (b'{"hello": "world"}', "other.json", 415, "neither a Gong nor a Fireflies"),
    ],
)
def test_what_is_no_transcript_is_refused_in_words_and_not_stored(content, name, status, words, media_folder):
    with pytest.raises(uploads.Refused, match=words) as refused:
        receive(content, name)
    assert refused.value.status == status
    assert nothing_is_stored(media_folder)


def test_26_megabytes_are_refused_with_413_and_not_stored(media_folder):
    with pytest.raises(uploads.Refused, match="larger than 25 MB") as refused:
        receive(b"Anna: word\n" * (26 * 1024**2 // 11 + 1), "long.txt")
    assert refused.value.status == 413
    assert nothing_is_stored(media_folder)


def test_exactly_25_megabytes_are_taken():
    line = b"Anna: word\n"
    content = (line * (25 * 1024**2 // len(line) + 1))[: 25 * 1024**2]
    assert receive(content, "long.txt").size == 25 * 1024**2


def test_the_same_bytes_are_answered_with_the_first_call(media_folder):
    first = receive(CALL.encode(), "a.txt")
    with pytest.raises(uploads.AlreadyUploaded, match=r"^Already uploaded on \d+ \w{3}\.$") as known:
        receive(CALL.encode(), "b.txt")
    assert known.value.first == first
    assert Transcript.objects.count() == Run.objects.count() == len(files_in(media_folder)) == 1


def test_an_event_that_cannot_be_sent_leaves_no_half_upload(monkeypatch, media_folder):
    def broken(*_, **__):
        raise ConnectionError("the database went away")

    monkeypatch.setattr(events, "send_uploaded", broken)
    with pytest.raises(ConnectionError):
        receive(CALL.encode())
    assert nothing_is_stored(media_folder)


def test_a_file_that_vanished_from_storage_fails_the_call_in_words(stored, parser, media_folder):
    from jobs import testing

    call = stored()
    shutil.rmtree(media_folder)
    testing.drain()
    call.refresh_from_db()
    assert call.status == Status.FAILED
    assert "no longer in storage; upload it again" in call.error


@pytest.mark.parametrize(
    ("filename", "title"),
    [("q3_review.vtt", "Q3 review"), (".vtt", "Vtt"), ("___.txt", "Call"), ("Überblick 2026.docx", "Überblick 2026")],
)
def test_a_title_is_made_from_the_files_name(filename, title):
    assert uploads.title_from(filename) == title
