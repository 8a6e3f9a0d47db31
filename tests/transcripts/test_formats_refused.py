"""What is no transcript is refused in one sentence that says what it is; what is hostile costs little."""

import io
import json
import subprocess
import sys
import zipfile

import docx
import pypdf
import pytest

from transcripts import formats
from transcripts.formats import Format, UnreadableTranscript, word


def zipped(**entries):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(name.replace("__", "/"), text)
    return content.getvalue()


def saved(document):
    content = io.BytesIO()
    document.save(content) if hasattr(document, "save") else document.write(content)
    return content.getvalue()


def pdf(*, password=None):
    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    if password is not None:
        writer.encrypt(password, "owner", algorithm="RC4-128")
    return saved(writer)


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
NO_CALLS = {"requestId": "r", "errors": ["No calls found corresponding to the provided filters"]}
DETAILS = {"requestId": "r", "calls": [{"metaData": {"id": "7"}, "parties": [{"speakerId": "1", "name": "Ann"}]}]}
TWO = {"callTranscripts": [{"callId": "1", "transcript": []}, {"callId": "2", "transcript": []}]}


@pytest.mark.parametrize(
    ("content", "filename", "words"),
    [
        (b"", "a.vtt", "a.vtt is empty"),
        (b" \n\t\n", "a.txt", "a.txt is empty"),
        (b"\xef\xbb\xbf", "a.vtt", "a.vtt is empty"),
        (b"WEBVTT\n\n", "a.vtt", "a.vtt has no spoken words"),
        (PNG, "holiday.vtt", "holiday.vtt is a picture, not a transcript; upload VTT"),
        (b"ID3" + bytes(64), "call.txt", "call.txt is a recording"),
        (b"\0\0\0\x18ftypmp42" + bytes(64), "call.txt", "call.txt is a recording"),
        (bytes(range(256)) * 20, "a.txt", "a.txt is not a text file"),
        (b"<!DOCTYPE html><html></html>", "a.txt", "a.txt is a web page"),
        (rb"{\rtf1 hello}", "a.txt", "a.txt is an RTF document"),
        (b"PK\x03\x04broken", "a.docx", "a.docx is a damaged Word or ZIP file"),
        (zipped(xl__workbook="x"), "a.docx", "a.docx is an Excel workbook"),
        (zipped(readme="x"), "a.docx", "a.docx is a ZIP archive"),
        (zipped(**{"word__document.xml": "<a"}), "a.docx", "a.docx is a damaged Word file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "a.doc", "a.doc is an old Office file"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "a.docx",
            "a.docx is protected by a password",
        ),
        (saved(docx.Document()), "a.docx", "a.docx has no spoken words"),
        (b"%PDF-1.7 broken", "a.pdf", "a.pdf is a damaged PDF"),
        (pdf(), "scan.pdf", "scan.pdf has no text, only pictures"),
        (pdf(password="secret"), "a.pdf", "a.pdf is protected by a password"),
        (b'{"a": ', "a.json", "a.json is not valid JSON"),
        (b"[" * 200_000, "a.json", "a.json is not valid JSON"),
        (b'{"a": ' + b"9" * 6000 + b"}", "a.json", "a.json is not valid JSON"),
        (b'{"a": 1}', "a.json", "neither a Gong nor a Fireflies transcript"),
        (json.dumps(NO_CALLS).encode(), "a.json", r"error answer of Gong \(No calls found"),
        (json.dumps(DETAILS).encode(), "a.json", "details but not its words"),
        (json.dumps(TWO).encode(), "a.json", "holds 2 Gong calls; upload one call per file"),
    ],
)
def test_what_is_no_transcript_is_refused_by_what_it_is(content, filename, words):
    with pytest.raises(UnreadableTranscript, match=words) as raised:
        formats.parse(content, filename)
    assert "\n" not in str(raised.value)


def test_a_file_over_25_megabytes_is_refused_by_its_size():
    with pytest.raises(UnreadableTranscript, match="larger than 25 MB"):
        formats.parse(b"a" * (formats.MAX_BYTES + 1), "a.txt")


def test_the_name_in_a_refusal_is_one_short_line_without_folders():
    with pytest.raises(UnreadableTranscript) as raised:
        formats.parse(b"", "../../etc/" + "x" * 300 + "\n<b>.txt")
    assert str(raised.value).startswith("x" * 60 + "…")
    assert len(str(raised.value)) < 140


def test_a_zip_bomb_is_refused_without_being_unpacked():
    bomb = zipped(**{"word__document.xml": "a" * (word.MAX_DOCUMENT_BYTES + 1)})
    assert len(bomb) < 100_000
    with pytest.raises(UnreadableTranscript, match="unpacks to far more than a transcript"):
        formats.parse(bomb, "bomb.docx")


def test_a_pdf_whose_pages_contain_themselves_is_refused():
    loop = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R]/Count 1>>endobj\n"
    loop += b"trailer<</Root 1 0 R>>\n%%EOF"
    with pytest.raises(UnreadableTranscript, match=r"loop\.pdf"):
        formats.parse(loop, "loop.pdf")


def test_a_pdf_locked_only_against_changes_is_not_called_protected():
    with pytest.raises(UnreadableTranscript, match="no text, only pictures"):
        formats.parse(pdf(password=""), "scan.pdf")


def test_a_word_table_of_time_speaker_and_words_is_read():
    document = docx.Document()
    rows = [("Time", "Speaker", "Text"), ("0:05", "Ann Lee", "Hello there"), ("0:09", "Bo", "Hi")]
    table = document.add_table(rows=3, cols=3)
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    reading = formats.parse(saved(document), "a.docx")
    assert reading.format == Format.DOCX
    assert [(turn.speaker, turn.text, turn.start) for turn in reading.turns] == [
        ("Ann Lee", "Hello there", 5.0),
        ("Bo", "Hi", 9.0),
    ]


def test_the_name_of_a_file_does_not_decide_what_it_is():
    assert formats.sniff(b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi", "a.docx") == Format.WEBVTT
    assert formats.sniff(saved(docx.Document()), "a.txt") == Format.DOCX
    assert formats.sniff(b"[00:05] Ann: Hi\n[00:06] Bo: Bye", "a.png") == Format.TEXT


def test_importing_the_readers_and_parsers_imports_no_heavy_library():
    code = (
        "import sys, transcripts.formats, transcripts.parsers.gemini, transcripts.parsers.local\n"
        "heavy = {'docx', 'pypdf', 'lxml', 'webvtt', 'charset_normalizer', 'google.generativeai', 'google.genai'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
