"""Uploads are read in a process of their own, and what was made to stop a site costs that process some seconds."""

import io
import time
import zipfile

import pytest

from tests.transcripts.test_formats_refused import pdf
from transcripts import formats, reading
from transcripts.formats import word

BODY = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>%s</w:body></w:document>'
P = "<w:p><w:r><w:t>%s</w:t></w:r></w:p>"


def docx_of(body, *, whole=False):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", body if whole else BODY % body)
    return content.getvalue()


def table(rows):
    return "<w:tbl>" + "".join(f"<w:tr>{''.join(cells)}</w:tr>" for cells in rows) + "</w:tbl>"


def cell(text, properties=""):
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{P % text}</w:tc>"


def test_a_call_is_read_in_another_process_as_it_is_read_in_this_one():
    text = "Title: Renewal\nAttendees: Ann Lee (CFO, Acme)\n\n" + "[00:01] Ann Lee: We need a plan. \u20ac5\n" * 10
    assert reading.read(text.encode(), "call.txt") == formats.read(text.encode(), "call.txt")
    assert reading.sniff(text.encode(), "call.txt") == formats.Format.TEXT


@pytest.mark.parametrize("name", ["a.vtt", "\x00odd\x00.vtt", "x" * 400 + ".vtt", "--help", "é\ud800.txt"])
def test_a_refusal_comes_back_in_words_whatever_the_file_is_called(name):
    with pytest.raises(reading.Unreadable, match=r"no spoken words|too short"):
        reading.read(b"WEBVTT\n\n", name)


def test_a_file_that_takes_too_long_is_given_up_while_other_threads_go_on(monkeypatch, tmp_path):
    endless = tmp_path / "endless.py"
    endless.write_text("while True: pass")
    monkeypatch.setattr("transcripts.reading._READER", endless)
    monkeypatch.setattr("transcripts.reading.SECONDS", 1)
    began, mine = time.monotonic(), time.thread_time()
    with pytest.raises(reading.Unreadable, match="could not be read within 1 seconds"):
        reading.read(pdf(), "slow.pdf")
    assert time.monotonic() - began < 8
    assert time.thread_time() - mine < 0.5


def test_a_file_that_takes_too_much_memory_costs_the_process_that_reads_it(monkeypatch, tmp_path):
    greedy = tmp_path / "greedy.py"
    greedy.write_text(
        f"import sys\nsys.path.insert(0, {str(reading._READER.parents[1])!r})\n"
        "from transcripts.reading_process import limit\nlimit(20)\nkept = []\nwhile True: kept.append(bytes(10**8))\n"
    )
    monkeypatch.setattr("transcripts.reading._READER", greedy)
    with pytest.raises(reading.Unreadable, match="in the memory that a transcript may take"):
        reading.read(b"Ann: hi", "greedy.txt")


SLOW = {
    "blanks behind a chat's time": "10:00:00\t" + " " * 120_000 + "x\n",
    "blanks behind a head's word": "Attendees" + " " * 120_000 + "x\n\nAnn Lee: hi\nBo Li: ho\n",
    "commas of participants": "Attendees: " + "a,(" * 40_000 + "\n\nAnn Lee: hi\nBo Li: ho\n",
    "an address that never ends": "Attendees: " + "a." * 60_000 + "\n\nAnn Lee: hi\nBo Li: ho\n",
    "dashes of participants": "Attendees:\n" + "A - " * 40_000 + "\n\nAnn Lee: hi\nBo Li: ho\n",
    "digits before a caption": "1" * 120_000 + "\n00:00:01,000 --> 00:00:02,000\nhi\n",
    "digits of numbers": "1\n00:00:01,000 --> 00:00:02,000\n" + "1\n" * 60_000,
    "tags that never end": "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "<a" * 60_000 + "\n",
    "voices that never end": "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "<v " * 40_000 + "\n",
    "one caption of many lines": "WEBVTT\n\n" + "00:01.000 --> 00:01.000\n" + "a\n" * 60_000,
    "fences": "```\n" * 30_000 + "[00:01] Ann: hi\n",
    "stars": "*" * 120_000 + "\nAnn Lee: hi\nBo Li: ho\n",
    "brackets": "[" * 120_000 + "\nAnn Lee: hi\nBo Li: ho\n",
    "times": "0:00 " * 24_000 + "\n",
    "numbers that end sentences": "Ann Lee: " + "no. No. " * 15_000 + "\nBo Li: ho\n",
    "quotes": "Ann Lee: " + "\u201c" * 120_000 + "\nBo Li: ho\n",
}


@pytest.mark.parametrize("text", SLOW.values(), ids=list(SLOW))
def test_a_text_made_to_be_slow_is_read_and_parsed_in_little_time(text):
    from transcripts.parsers.local import LocalParser

    began = time.process_time()
    try:
        call = formats.parse(text.encode(), "call.txt").text
    except formats.UnreadableTranscript:
        call = text
    LocalParser().parse(call)
    assert time.process_time() - began < 6


RESTART = ' w:val="restart"'
WIDE = table([[cell("Ann", '<w:gridSpan w:val="2000000000"/>'), cell("We need a plan")]])
TALL = table([[cell("Ann", f"<w:vMerge{RESTART if not n else ''}/>"), cell(f"word {n}")] for n in range(3000)])
DEEP = "<w:tbl><w:tr><w:tc>" * 20_000 + P % "hello" + "</w:tc></w:tr></w:tbl>" * 20_000
ENTITIES = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>' + BODY % (P % "&b;&b;&b;")


def test_a_cell_as_wide_as_two_billion_columns_is_one_cell():
    assert word.text_of_docx(docx_of(WIDE), "a.docx") == "Ann: We need a plan"


def test_a_cell_merged_over_three_thousand_rows_is_read_in_linear_time():
    began = time.process_time()
    lines = word.text_of_docx(docx_of(TALL), "a.docx").split("\n")
    assert lines == [f"Ann: word {n}" for n in range(3000)]
    assert time.process_time() - began < 2


def test_tables_within_tables_and_entities_cost_nothing():
    assert word.text_of_docx(docx_of(DEEP), "a.docx") == "hello"
    with pytest.raises(formats.UnreadableTranscript, match="damaged Word file"):
        word.text_of_docx(docx_of(ENTITIES, whole=True), "a.docx")


def test_a_document_of_millions_of_elements_takes_little_memory():
    bomb = docx_of("<w:p/>" * 3_900_000)
    assert len(bomb) < 102_000
    with pytest.raises(reading.Unreadable, match=r"unpacks to far more|too long"):
        reading.read(bomb, "bomb.docx")


def test_a_directory_that_lies_about_the_size_is_not_believed():
    honest = docx_of(P % ("word " * 4_000_000))
    name = b"word/document.xml"
    lying = bytearray(honest)
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = lying.index(mark)
        lying[at + offset : at + offset + 4] = (1000).to_bytes(4, "little")
    assert name in lying
    with pytest.raises(formats.UnreadableTranscript, match=r"damaged|unpacks"):
        word.text_of_docx(bytes(lying), "liar.docx")
