"""Every shape in which a transcript may come, by content of our own making."""

import json

import pytest

from transcripts import formats
from transcripts.formats import Format, Participant, Turn, UnreadableTranscript


def read(text, filename="call.txt"):
    return formats.parse(text.encode(), filename)


def test_teams_voices_in_webvtt_are_speakers_and_entities_are_characters():
    reading = read(
        "WEBVTT\n\nid-1\n00:00:01.500 --> 00:00:03.000\n<v Ann Smith>Hello &amp; welcome</v>\n<v Bob>Hi</v>\n\n"
        "NOTE a remark\n\n00:00:03.000 --> 00:00:04.000 align:start\n<v.loud Ann Smith>one\ntwo</v>\n"
    )
    assert reading.format == Format.WEBVTT
    assert reading.turns == (
        Turn("Ann Smith", "Hello & welcome", 1.5),
        Turn("Bob", "Hi", 1.5),
        Turn("Ann Smith", "one two", 3.0),
    )


def test_names_before_a_colon_in_captions_are_speakers_but_a_lone_remark_is_not():
    cues = [
        "Ann Lee: We start.",
        "and go on",
        "Ann Lee: Hint: look here",
        "to this",
        "Beware: steps",
        "Bo Li: Fine.",
        "now",
    ]
    body = "\n\n".join(
        f"00:00:0{n}.000 --> 00:00:0{n}.900\n{cue}" for n, cue in enumerate([*cues, "then", "soon", "done"])
    )
    turns = read(f"WEBVTT\n\n{body}").turns
    assert [turn.speaker for turn in turns] == ["Ann Lee", None, "Ann Lee", None, None, "Bo Li", *[None] * 4]
    assert [turns[2].text, turns[4].text] == ["Hint: look here", "Beware: steps"]


def test_rolling_captions_are_said_once():
    reading = read(
        "WEBVTT\nKind: captions\n\n00:01.000 --> 00:02.000\nwe begin\n\n00:02.000 --> 00:03.000\nwe begin\n"
        "with<00:02.500><c> the plan</c>\n\n00:03.000 --> 00:04.000\nwith the plan\nand the price\n"
    )
    assert [turn.text for turn in reading.turns] == ["we begin", "with the plan", "and the price"]


def test_a_repeated_answer_in_captions_is_no_rolling_caption():
    reading = read("WEBVTT\n\n00:01.000 --> 00:02.000\nYes.\n\n00:05.000 --> 00:06.000\nYes.\n")
    assert [turn.start for turn in reading.turns] == [1.0, 5.0]


def test_subrip_with_comma_times_and_an_empty_caption():
    reading = read(
        "1\n00:00:01,250 --> 00:00:02,000\n<i>Ann</i> waits\n\n2\n00:00:03,000 --> 00:00:04,000\n\n", "a.srt"
    )
    assert reading.format == Format.SRT
    assert reading.turns == (Turn(None, "Ann waits", 1.25),)


@pytest.mark.parametrize(
    ("line", "turn"),
    [
        ("[01:05] Ann: It works.", Turn("Ann", "It works.", 65.0)),
        ("(1:02:03) Ann Lee: It works.", Turn("Ann Lee", "It works.", 3723.0)),
        ("00:01:05 Ann: It works.", Turn("Ann", "It works.", 65.0)),
        ("[00:00:05.500 --> 00:00:07.000]  It works: truly", Turn(None, "It works: truly", 5.5)),
        ("**Ann (Acme):** It works.", Turn("Ann (Acme)", "It works.", None)),
        ("Dr. Ann van Dyk: It works.", Turn("Dr. Ann van Dyk", "It works.", None)),
        ("田中: はい", Turn("田中", "はい", None)),
    ],
)
def test_a_line_of_plain_text_announces_its_speaker(line, turn):
    reading = read(f"{line}\n\n{line}\n")
    assert reading.format == Format.TEXT
    assert reading.turns == (turn, turn)


def test_a_gong_paste_gives_turns_title_and_participants():
    reading = read(
        "Renewal with Acme\nRecorded on Nov 6, 2025 via Zoom, 45m\n\n"
        "Participants\nOur company\nJo Rep, Account Executive\n"
        "Acme\nAnn Lee, CFO\nBo Li\n\nTranscript\n"
        "0:00 | Jo Rep\nGood morning.\nShall we?\n\n0:07 | Ann Lee\nYes.\n\n0:09 | Bo Li\nHi."
    )
    assert reading.format == Format.GONG_PASTE
    assert reading.title == "Renewal with Acme"
    assert reading.turns[:2] == (Turn("Jo Rep", "Good morning. Shall we?", 0.0), Turn("Ann Lee", "Yes.", 7.0))
    assert reading.participants == (
        Participant("Jo Rep", "Our company", "Account Executive"),
        Participant("Ann Lee", "Acme", "CFO"),
        Participant("Bo Li", "Acme", None),
    )


def test_an_otter_export_has_its_names_above_the_words():
    reading = read(
        "Ann Lee  0:03\nHello there.\nMeet me at 2:30\n\nBo Li  1:02:03\nYes.\n\nTranscribed by https://otter.ai\n"
    )
    assert reading.format == Format.OTTER
    assert reading.turns == (Turn("Ann Lee", "Hello there. Meet me at 2:30", 3.0), Turn("Bo Li", "Yes.", 3723.0))


def test_a_zoom_chat_in_both_of_its_layouts():
    reading = read(
        "16:02:33\tAnn Lee:\tHello all\r\n16:03:00 From Bo Li to Ann Lee (Direct Message) : it's this: good\r\n"
        "16:04:00 From  Cy  to  Everyone : wow\r\n\tsecond line\r\n"
    )
    assert reading.format == Format.ZOOM_CHAT
    assert reading.turns == (
        Turn("Ann Lee", "Hello all", 57753.0),
        Turn("Bo Li", "it's this: good", 57780.0),
        Turn("Cy", "wow second line", 57840.0),
    )


def test_the_head_of_a_text_is_not_spoken():
    reading = read(
        "Subject: Renewal\nAttendees: Ann Lee (CFO, Acme), Bo Li - Account Executive\nDate: 3 May\n\n"
        "Ann Lee: We need: a plan.\nBo Li: OK.\nNote: nothing\n- and more\nAnn Lee: bye"
    )
    assert reading.title == "Renewal"
    assert reading.participants == (
        Participant("Ann Lee", "Acme", "CFO"),
        Participant("Bo Li", None, "Account Executive"),
    )
    assert [turn.speaker for turn in reading.turns] == ["Ann Lee", "Bo Li", "Ann Lee"]
    assert reading.turns[0].text == "We need: a plan."
    assert reading.turns[1].text == "OK. Note: nothing\n- and more"


def test_only_the_fenced_block_of_markdown_is_read():
    reading = read("# Example\n\nHow it looks.\n\n```\n[00:01] Ann: Hi.\n\n[00:02] Bo: Bye.\n```\n\nThe end.\n", "a.md")
    assert reading.turns == (Turn("Ann", "Hi.", 1.0), Turn("Bo", "Bye.", 2.0))


def test_notes_without_speakers_are_paragraphs():
    reading = read("Met Acme today.\nThey like it.\n\nNext: send the quote on Friday.")
    assert reading.turns == (Turn(None, "Met Acme today. They like it."), Turn(None, "Next: send the quote on Friday."))


def test_a_reading_is_read_again_from_its_own_text():
    first = read("Ann (Acme): We need:\n\n1. a plan\n2. a price\n\nBo: Fine. 10:30 works.\nAnn (Acme): Good.")
    again = read(first.text)
    assert again.turns == first.turns
    assert first.turns[0].text == "We need:\n1. a plan\n2. a price"


MONOLOGUES = [
    {"speakerId": None, "sentences": [{"start": 1500, "end": 2000, "text": "Who \ud800 am\u0000 I?"}]},
    {
        "speakerId": "12345678901234567890",
        "sentences": [{"start": 2500, "text": "One."}, {"start": 3000, "text": "Two."}],
    },
    {"speakerId": "99", "topic": "x", "sentences": [{"start": 4000, "text": "Three."}]},
    {"speakerId": "99", "sentences": []},
]
TRANSCRIPT = {"requestId": "r", "callTranscripts": [{"callId": "7", "transcript": MONOLOGUES}]}
PARTY = {"speakerId": "12345678901234567890", "name": "Ann Lee", "title": "CFO"}
EXTENSIVE = {
    "calls": [{"metaData": {"id": "7", "title": "Renewal"}, "parties": [PARTY, {"speakerId": None, "name": "Cy"}]}]
}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([EXTENSIVE, TRANSCRIPT]),
        json.dumps({"transcript": TRANSCRIPT, "details": {"answer": EXTENSIVE}}),
        json.dumps({**EXTENSIVE, **TRANSCRIPT}),
        json.dumps(TRANSCRIPT) + "\n" + json.dumps(EXTENSIVE),
    ],
)
def test_both_answers_of_gong_in_one_file_are_joined_on_the_speaker(text):
    reading = read(text, "call.json")
    assert reading.format == Format.GONG_JSON
    assert reading.title == "Renewal"
    assert reading.participants == (Participant("Ann Lee", None, "CFO"), Participant("Cy", None, None))
    assert reading.turns == (
        Turn(None, "Who \ufffd am I?", 1.5),
        Turn("Ann Lee", "One. Two.", 2.5),
        Turn("Speaker 1", "Three.", 4.0),
    )


def test_parties_of_another_call_name_nobody():
    other = {"calls": [{"metaData": {"id": "8"}, "parties": [PARTY]}]}
    assert read(json.dumps([TRANSCRIPT, other]), "c.json").speakers == ("Speaker 1", "Speaker 2")


@pytest.mark.parametrize("start", [12.5, "12.5", "00:12.5"])
def test_fireflies_sentences_are_turns_in_seconds(start):
    sentences = [{"speaker_name": "Ann", "text": "Hi.", "start_time": start}, {"speaker_id": 1, "raw_text": "Bye."}]
    for document in ({"data": {"transcript": {"title": "Demo", "sentences": sentences}}}, sentences):
        reading = read(json.dumps(document), "f.json")
        assert reading.format == Format.FIREFLIES_JSON
        assert reading.turns == (Turn("Ann", "Hi.", 12.5), Turn("Speaker 2", "Bye.", None))


@pytest.mark.parametrize(
    ("content", "speaker"),
    [
        ("\ufeffAnn: hello\nBo: so".encode(), "Ann"),
        ("José: hello\nBo: so".encode("utf-16"), "José"),
        ("José: hello\nBo: so".encode("utf-16-le"), "José"),
        ("José: mañana façade\nBjörn: über ältere Grüße\nJosé: señor está".encode("cp1252"), "José"),
        ("Анна: Привет, как дела сегодня\nБорис: Хорошо, спасибо\nАнна: Давайте начнем".encode("cp1251"), "Анна"),
    ],
)
def test_text_in_any_encoding_is_read(content, speaker):
    assert formats.parse(content, "call.txt").turns[0].speaker == speaker


def test_times_are_rendered_as_minutes_and_from_one_hour_on_as_hours():
    turns = (Turn("Ann", "a\nb", 59.9), Turn(None, "c", 3723.0), Turn("Bo", "d", None))
    assert [turn.render() for turn in turns] == ["[00:59] Ann: a\n    b", "[1:02:03] c", "Bo: d"]


@pytest.mark.parametrize(("length", "readable"), [(99, False), (100, True), (249_990, True), (250_001, False)])
def test_a_transcript_has_between_100_and_250_000_characters(length, readable):
    content = ("word " * 60_000)[: length - 1] + "."
    if readable:
        assert formats.read(content.encode(), "a.txt").turns
    else:
        with pytest.raises(UnreadableTranscript, match=r"too (short|long) to analyze"):
            formats.read(content.encode(), "a.txt")
