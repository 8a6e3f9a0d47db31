"""The sample files beside the project, each read right to the value or refused in the right words."""

from pathlib import Path

import pytest

from transcripts import formats
from transcripts.formats import Format, Turn, UnreadableTranscript

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "transcripts"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the sample files are not beside the project: {SAMPLES}")

JORDAN, PRIYA = "AE (Jordan)", "Prospect (Priya \u2013 RevOps Director)"
DEMO = (JORDAN, PRIYA, "AE", "Prospect", "SE (Luis)", "SE", "SE (reads on-screen)", "Audio plays", "Prospect (smiling)")
BEATLES = ("Andrew Knight", "Paul McCartney", "George Harrison", "Ringo Starr", "John Lennon")


def parse(name):
    return formats.parse((SAMPLES / name).read_bytes(), name)


@pytest.mark.parametrize(
    ("name", "format_", "title"),
    [
        ("sales_call_demo.txt", Format.TEXT, None),
        ("gong_paste_dev.txt", Format.GONG_PASTE, "Demo with Acme | Discovery"),
        ("fireflies_dev.json", Format.FIREFLIES_JSON, "Demo with Acme"),
        ("teams_transcript_dev.docx", Format.DOCX, "Demo with Acme"),
        ("transcript_dev.pdf", Format.PDF, None),
    ],
)
def test_one_call_in_five_formats_has_the_same_turns(name, format_, title):
    reading = formats.read((SAMPLES / name).read_bytes(), name)
    assert (reading.format, reading.title) == (format_, title)
    assert reading.speakers == DEMO
    assert len(reading.turns) == 60
    assert reading.turns[3] == Turn("Prospect", "Perfect.", 21.0)
    assert reading.turns[-1] == Turn("AE", "Pleasure, Priya. Talk soon!", 397.0)
    starts = [turn.start for turn in reading.turns]
    assert starts == [turn.start for turn in parse("sales_call_demo.txt").turns]


def test_the_words_of_the_demo_call_are_the_same_in_every_lossless_format():
    words = [turn.text for turn in parse("sales_call_demo.txt").turns]
    for name in ("gong_paste_dev.txt", "fireflies_dev.json", "teams_transcript_dev.docx"):
        assert [turn.text for turn in parse(name).turns] == words
    assert words[1] == "Hey Jordan. Busy as always\u2014pipeline is healthy, but I\u2019m drowning in call recordings."


def test_the_gong_transcript_alone_numbers_its_speakers():
    reading = parse("gong_v2_calls_transcript_dev.json")
    assert reading.format == Format.GONG_JSON
    assert len(reading.turns) == 60
    assert reading.speakers == tuple(f"Speaker {n}" for n in range(1, 10))
    assert (reading.turns[4].start, reading.turns[-1].start) == (23.0, 397.0)


def test_both_gong_answers_together_have_the_names_of_the_parties():
    parts = [(SAMPLES / f"gong_v2_calls_{part}_dev.json").read_text() for part in ("extensive", "transcript")]
    reading = formats.read("\n".join(parts).encode(), "call.json")
    assert reading.title == "Demo with Acme"
    assert reading.speakers == DEMO
    assert reading.turns[0].text == parse("sales_call_demo.txt").turns[0].text
    assert len(reading.participants) == 9


def test_the_call_about_objections_keeps_its_list_and_its_last_remark():
    reading = formats.read((SAMPLES / "sales_call_objection.txt").read_bytes(), "o.txt")
    assert len(reading.turns) == 61
    assert reading.turns[1] == Turn("Prospect (Arjun \u2013 Security Lead)", "Yes, thanks for setting this up.", 17.0)
    (recap,) = [turn for turn in reading.turns if turn.start == 326.0]
    assert recap.text.split("\n")[2] == "2. Provide DPA with India addendum (Elena)."
    assert recap.text.endswith("Anything missing?")
    assert reading.turns[-1] == Turn(None, "*Call ends.*", 376.0)


def test_the_export_inside_markdown_is_read_without_what_surrounds_it():
    reading = formats.read((SAMPLES / "otter_like_transcript.md").read_bytes(), "otter.md")
    assert reading.speakers == ("Sarah", "Mike", "John", "Lisa")
    assert len(reading.turns) == 25
    assert reading.turns[6] == Turn("John", "Agreed. Two weeks is fine.", 85.0)
    assert reading.turns[-1] == Turn("Sarah", "Enjoy. See everyone Thursday.", 525.0)


def test_the_zoom_recording_has_names_and_unnamed_cues():
    reading = formats.read((SAMPLES / "zoom_cloud_transcript_dev.vtt").read_bytes(), "zoom.vtt")
    assert (reading.format, len(reading.turns), reading.speakers) == (Format.WEBVTT, 150, BEATLES)
    assert reading.turns[0] == Turn("Andrew Knight", "Okay, so we're recording. We're streaming", 4.859)
    assert [turn.text for turn in reading.turns if turn.speaker is None] == ["And that", "Yes. Okay."]
    assert reading.turns[-1].start == 1747.74


def test_the_zoom_chat_has_clock_times_and_names():
    reading = formats.read((SAMPLES / "zoom_chat.txt").read_bytes(), "chat.txt")
    assert (reading.format, len(reading.turns)) == (Format.ZOOM_CHAT, 10)
    assert set(reading.speakers) == set(BEATLES)
    assert reading.turns[-3] == Turn("George Harrison", "Cockpit", 2203.0)


@pytest.mark.parametrize(
    ("name", "count", "last"),
    [
        ("srt_ascii.srt", 3, Turn(None, "ascii everywhere", 34.1)),
        ("webvtt-py_missing_caption_text.srt", 4, Turn(None, "Caption text #5", 21.58)),
        ("webvtt-py_sample.srt", 5, Turn(None, "Caption text #5", 21.58)),
        ("webvtt-py_captions_with_bom.vtt", 4, Turn(None, "Caption text #4", 16.32)),
        ("webvtt-py_cue_tags.vtt", 3, Turn(None, "That's amore", 20.5)),
        ("webvtt-py_metadata_headers.vtt", 2, Turn(None, "Caption text #2", 7.0)),
        ("webvtt-py_youtube_dl.vtt", 3, Turn(None, "this will happen is I'm telling", 304.08)),
    ],
)
def test_a_short_caption_file_is_understood_but_too_short_to_analyze(name, count, last):
    reading = parse(name)
    assert (len(reading.turns), reading.turns[-1]) == (count, last)
    with pytest.raises(UnreadableTranscript, match="appears too short to analyze"):
        formats.read((SAMPLES / name).read_bytes(), name)


@pytest.mark.parametrize(
    ("name", "count", "start"), [("webvtt-py_sample.vtt", 16, 61.35), ("webvtt-py_invalid.vtt", 7, 27.28)]
)
def test_captions_are_read_even_if_the_first_line_was_lost(name, count, start):
    reading = formats.read((SAMPLES / name).read_bytes(), name)
    assert reading.format == Format.WEBVTT
    assert reading.turns[-1] == Turn(None, f"Caption text #{count}", start)
    assert len(reading.turns) == count


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("webvtt-py_empty.vtt", "is empty"),
        ("gong_recorded_404_no_calls.json", "No calls found corresponding to the provided filters"),
        ("gong_v2_calls_extensive_dev.json", "details but not its words"),
    ],
)
def test_a_sample_without_words_is_refused_by_its_reason(name, words):
    with pytest.raises(UnreadableTranscript, match=f"{name}.*{words}"):
        parse(name)


def test_no_sample_is_left_out_here():
    source = Path(__file__).read_text().replace("{part}", "transcript")
    assert [path.name for path in SAMPLES.iterdir() if path.name not in source] == []
