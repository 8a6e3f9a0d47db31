"""Layouts of programs that people export from, with the oddities of their makers; the words are ours."""

import json

import pytest

from transcripts import formats
from transcripts.formats import Format, UnreadableTranscript

ONE = "We lose about two hours every day because the stock list is typed by hand."
TWO = "I can send you a quote for the scanner on Friday, and a plan for the first month."
THREE = "Good, then our finance lead will look at it next week and give you an answer."
PAIR = [("Ann Lee", ONE), ("Rob Fox", TWO)]


def read(text, filename="call.txt"):
    return formats.parse(text.encode(), filename)


def said(text, filename="call.txt"):
    return [(turn.speaker, turn.text) for turn in read(text, filename).turns]


TEXTS = {
    "names in brackets": f"[Ann Lee]: {ONE}\n[Rob Fox]: {TWO}\n",
    "names in brackets, then the clock": f"[Ann Lee] 10:01:22\n{ONE}\n\n[Rob Fox] 10:01:40\n{TWO}\n",
    "time in parentheses and a colon": f"Ann Lee (00:03):\n{ONE}\n\nRob Fox (01:02:05):\n{TWO}\n",
    "time in parentheses, words beside": f"Ann Lee (00:03): {ONE}\nRob Fox (01:02:05): {TWO}\n",
    "time in brackets, words beside": f"Ann Lee [00:00:03]: {ONE}\nRob Fox [00:00:21]: {TWO}\n",
    "time spoken, below the name": f"Ann Lee\n0 minutes 3 seconds\n{ONE}\n\nRob Fox\n1 hour 2 minutes\n{TWO}\n",
    "time spoken, beside the name": f"Ann Lee   0 minutes 3 seconds\n{ONE}\n\nRob Fox   21 seconds\n{TWO}\n",
    "time, then the name, then words": f"00:00:03\nAnn Lee\n{ONE}\n\n00:00:21\nRob Fox\n{TWO}\n",
    "name, then the time, then words": f"Ann Lee\n00:03\n{ONE}\n\nRob Fox\n00:21\n{TWO}\n",
    "time in brackets, then the name": f"[00:00:03]\nAnn Lee\n{ONE}\n\n[00:00:21]\nRob Fox\n{TWO}\n",
    "a time and a name, words below": f"0:03 - Ann Lee\n{ONE}\n\n@0:21 - Rob Fox\n{TWO}\n",
    "a time in brackets and a name, words below": f"[00:00:03] ANN LEE\n{ONE}\n\n[00:00:21] Rob Fox\n{TWO}\n",
    "a time in brackets, a dash and a name": f"[00:00:03] - Ann Lee\n{ONE}\n\n[00:00:21] - Rob Fox\n{TWO}\n",
    "a comma before the time": f"Ann Lee, 00:03\n{ONE}\n\nRob Fox, 00:21\n{TWO}\n",
    "a time above some names": f"00:00:00\n\nAnn Lee: {ONE}\nRob Fox: {TWO}\n\n00:05:00\n\n",
    "captions with a name on their first line": (
        f"0:0:3.540 --> 0:0:9.100\nAnn Lee\n{ONE}\n\n0:0:9.200 --> 0:0:17.850\nRob Fox\n{TWO}\n"
    ),
    "arrows of closed captions": f">> Ann Lee: {ONE}\n>> Rob Fox: {TWO}\n",
    "arrows of closed captions without a blank": f">>Ann Lee: {ONE}\n>>Rob Fox: {TWO}\n",
    "a list of Markdown": f"- Ann Lee: {ONE}\n- Rob Fox: {TWO}\n",
    "bold names of Markdown": f"**Ann Lee:** {ONE}\n\n**Rob Fox:** {TWO}\n",
    "bold names and times": f"**Ann Lee** (00:03): {ONE}\n\n**Rob Fox** (00:21): {TWO}\n",
    "full width of the page": f"Ann Lee {' ' * 40}0:03\n{ONE}\nRob Fox {' ' * 40}0:21\n{TWO}\n",
    "a time of day": f"[10:01:22] Ann Lee: {ONE}\n[10:01:40] Rob Fox: {TWO}\n",
    "with a range of times": f"[00:03 - 00:20] Ann Lee: {ONE}\n[00:21 - 00:30] Rob Fox: {TWO}\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_who_said_what_is_read_from_every_layout(text):
    assert [(str(name).title(), words) for name, words in said(text)] == PAIR


SMALL = {
    "small letters": (f"ann lee: {ONE}\nrob's iPhone: {TWO}\nann lee: {THREE}\n", ("ann lee", "rob's iPhone")),
    "small letters behind times": (f"[00:03] ann: {ONE}\n[00:21] rob: {TWO}\n[00:30] ann: {THREE}\n", ("ann", "rob")),
    "capitals": (f"ANN: {ONE}\nROB: {TWO}\n", ("ANN", "ROB")),
    "numbers in brackets": (f"[SPEAKER_00]: {ONE}\n[SPEAKER_01]: {TWO}\n", ("SPEAKER_00", "SPEAKER_01")),
    "numbers in parentheses": (f"(speaker 0) {ONE}\n(speaker 1) {TWO}\n", ("speaker 0", "speaker 1")),
    "numbers behind times": (f"[00:03] [SPEAKER_00] {ONE}\n[00:21] [SPEAKER_01] {TWO}\n", ("SPEAKER_00", "SPEAKER_01")),
    "numbers": (f"Speaker 1: {ONE}\nSpeaker 2: {TWO}\n", ("Speaker 1", "Speaker 2")),
    "arrows": (f">> ANN: {ONE}\n>> ROB: {TWO}\n", ("ANN", "ROB")),
}


@pytest.mark.parametrize(("text", "speakers"), SMALL.values(), ids=list(SMALL))
def test_a_speaker_has_the_name_that_the_file_gives(text, speakers):
    reading = read(text)
    assert reading.speakers == speakers
    assert [turn.text for turn in reading.turns] == [ONE, TWO, THREE][: len(reading.turns)]


@pytest.mark.parametrize(
    "text",
    [
        f"We met.\nhttp: no\nprice: 5\n{ONE}\n{TWO}\nand so on\nand on\n",
        "first: check the stock\nthen: call Ann\n" + f"{ONE}\n" * 6,
        "10:30 works for me.\n" + f"{ONE}\n",
        "10:30 Monday Morning\nworks for me.\n" + f"{ONE}\n" * 2,
        "Great\n0:05 is when it begins\n" + ONE,
    ],
)
def test_notes_with_colons_and_times_have_no_speakers(text):
    assert read(text).speakers == ()


def test_a_short_answer_below_a_time_is_no_name():
    turns = said(f"0:01\nPerfect\n\n0:03\n{ONE}\n\n0:09\nThanks\n\n0:12\n{TWO}\n")
    assert [words for _, words in turns] == ["Perfect", ONE, "Thanks", TWO]


def vtt(*times, header="WEBVTT\n\n"):
    cues = zip(times, (f"ANN: {ONE}", f"ROB: {TWO}", f"ANN: {THREE}"), strict=False)
    return header + "\n\n".join(f"{time}\n{words}" for time, words in cues) + "\n"


@pytest.mark.parametrize(
    ("text", "format_", "starts"),
    [
        (vtt("00:00:01,000 --> 00:00:05,000", "00:00:05,000 --> 00:00:09,000"), Format.WEBVTT, [1, 5]),
        (vtt("00:00:01 --> 00:00:05", "00:00:05 --> 00:00:09"), Format.WEBVTT, [1, 5]),
        (vtt("00:01 --> 00:05", "00:05 --> 00:09"), Format.WEBVTT, [1, 5]),
        (vtt("0:0:1.5 --> 0:0:5.0", "0:1:5.25 --> 0:1:9.0"), Format.WEBVTT, [1.5, 65.25]),
        (vtt("00:01.000-->00:05.000", "00:05.000-->00:09.000"), Format.WEBVTT, [1, 5]),
        (vtt("00:01.000 --> 00:05.000", "00:05.000 --> 00:09.000", header=""), Format.WEBVTT, [1, 5]),
        (vtt("00:01.000 --> 00:05.000", "00:05.000 --> 00:09.000", header="\n\nWEBVTT\n\n"), Format.WEBVTT, [1, 5]),
        (vtt("00:00:01 --> 00:00:05", "00:00:05 --> 00:00:09", header="1\n"), Format.SRT, [1, 5]),
        (vtt("00:00:01,0 --> 00:00:05,00", "00:00:05,25 --> 00:00:09,1", header="1\n"), Format.SRT, [1, 5.25]),
        (vtt("100:00:01.000 --> 100:00:05.000", "101:00:00.000 --> 101:00:05.000"), Format.WEBVTT, [360001, 363600]),
    ],
)
def test_captions_are_read_however_their_times_are_written(text, format_, starts):
    reading = read(text, "call.vtt")
    assert (reading.format, [turn.start for turn in reading.turns]) == (format_, starts)
    assert [turn.text for turn in reading.turns] == [ONE, TWO, THREE][: len(starts)]


@pytest.mark.parametrize(
    "body",
    [
        f"00:01.000 --> 00:05.000\n\nANN: {ONE}\n\n00:05.000 --> 00:09.000\nROB: {TWO}\n",
        f"00:01.000 --> 00:05.000\nANN:\n\n{ONE}\n\n2\n00:05.000 --> 00:09.000\n\n\nROB: {TWO}\n",
        f"1\n00:01.000 --> 00:05.000\nANN: {ONE}\n2\n00:05.000 --> 00:09.000\nROB: {TWO}\n",
        f"a-1\n00:01.000 --> 00:05.000\nANN: {ONE}\n\na-2\n00:05.000 --> 00:09.000\n\nROB: {TWO}\n",
        f"00:01.000 --> 00:05.000\nANN: {ONE}\n\nNOTE\nnot said\nby anyone\n\n00:05.000 --> 00:09.000\nROB: {TWO}\n",
        f"00:01.000 --> 00:05.000\n<v ANN>{ONE}</v>\n\nWEBVTT\n\n00:05.000 --> 00:09.000\n<v.loud ROB>{TWO}\n",
        f"00:01.000 --> 00:05.000\n&gt;&gt; ANN: {ONE}\n\n00:05.000 --> 00:09.000\n&gt;&gt;ROB: {TWO}\n",
        f"00:01.000 --> 00:05.000 align:start\n<v ANN>\n{ONE}\n\n00:05.000 --> 00:09.000\n<v ROB>\n\n{TWO}\n",
    ],
)
def test_nothing_that_is_said_in_a_cue_is_lost_at_a_blank_line(body):
    assert said(f"WEBVTT\n\n{body}", "call.vtt") == [("ANN", ONE), ("ROB", TWO)]


@pytest.mark.parametrize(
    "text",
    ["WEBVTT\n\n" + ONE * 3, "WEBVTT\n\nNOTE only this\n", "WEBVTT\n\n00:01.000 --> 00:02.000\n\n", " \nWEBVTT\n"],
)
def test_captions_without_a_cue_are_refused_in_words(text):
    with pytest.raises(UnreadableTranscript, match="no spoken words in it: there is no caption with text"):
        formats.read(text.encode(), "call.vtt")


SEGMENTS = [{"start": 0.0, "end": 7.0, "text": f" {ONE}"}, {"start": 7.5, "end": 14.0, "text": TWO}]
CPP = [
    {"timestamps": {"from": "00:00:00,000", "to": "x"}, "offsets": {"from": 0}, "text": ONE},
    {"timestamps": {"from": "00:00:07,500", "to": "x"}, "offsets": {"from": 7500}, "text": TWO},
]


@pytest.mark.parametrize(
    "document",
    [
        {"text": ONE + TWO, "segments": SEGMENTS, "language": "en"},
        {"result": {"language": "en"}, "transcription": CPP},
        {"transcription": [{key: one[key] for key in ("offsets", "text")} for one in CPP]},
        {"task": "transcribe", "duration": 14, "text": "", "segments": [*SEGMENTS, None, {"start": 9, "text": " "}]},
    ],
)
def test_what_whisper_writes_is_read_with_its_times(document):
    reading = read(json.dumps(document), "whisper.json")
    assert reading.format == Format.WHISPER_JSON
    assert [(turn.speaker, turn.text, turn.start) for turn in reading.turns] == [(None, ONE, 0), (None, TWO, 7.5)]


@pytest.mark.parametrize(
    ("key", "names"), [("SPEAKER_0", ("SPEAKER_00", "SPEAKER_01")), (0, ("Speaker 0", "Speaker 1"))]
)
def test_whisper_with_speakers_names_them(key, names):
    segments = [one | {"speaker": key + n if isinstance(key, int) else f"{key}{n}"} for n, one in enumerate(SEGMENTS)]
    assert read(json.dumps({"segments": segments}), "whisperx.json").speakers == names


def test_speakers_in_the_words_of_whisper_are_found():
    segments = [one | {"text": f"(speaker {n}) {one['text'].strip()}"} for n, one in enumerate(SEGMENTS)]
    assert said(json.dumps({"segments": segments}), "w.json") == [("speaker 0", ONE), ("speaker 1", TWO)]
