"""Reads caption files: WebVTT (Teams voices, Zoom names, rolling YouTube captions) and SubRip."""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from transcripts.formats.base import Turn, clean, one_line, seconds_of
from transcripts.formats.names import speaker_names, spoken_by

TIMING = re.compile(
    r"^[ \t]*(?:\d{1,3}:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->\s*(?:\d{1,3}:)?\d{1,2}:\d{2}[.,]\d{1,3}", re.MULTILINE
)

_VOICE = re.compile(r"<v(?:\.[^\s>]+)?[ \t]+([^>]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^>\n]*>|<[\d:.]+>|</?>|\{\\[^}\n]*\}")
# A rolling caption starts where the one before it ends.
_CONTIGUOUS = 0.1


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: its raw text with tags, from `start` to `end` seconds."""

    start: float
    end: float
    raw: str


def read_webvtt(text: str) -> list[Turn]:
    """The turns of a WebVTT file; a lost `WEBVTT` line is forgiven."""
    import webvtt

    if not text.startswith("WEBVTT"):
        text = f"WEBVTT\n\n{text}"
    captions = webvtt.from_string(text).captions
    return _turns(Cue(seconds_of(str(c.start_time)), seconds_of(str(c.end_time)), c.raw_text) for c in captions)


def read_srt(text: str) -> list[Turn]:
    """The turns of a SubRip file; a caption without words is left out."""
    import srt

    found = srt.parse(text, ignore_errors=True)
    return _turns(Cue(s.start.total_seconds(), s.end.total_seconds(), s.content) for s in found)


def _turns(cues: Iterable[Cue]) -> list[Turn]:
    voiced = [turn for cue in _unrolled(cues) for turn in _voices(cue)]
    names = speaker_names(turn.text for turn in voiced if turn.speaker is None)
    turns = []
    for turn in voiced:
        speaker, words = (turn.speaker, turn.text) if turn.speaker else spoken_by(turn.text, names)
        if words := one_line(words):
            turns.append(Turn(speaker, words, turn.start))
    return turns


def _unrolled(cues: Iterable[Cue]) -> Iterator[Cue]:
    """Rolling captions show the last line again above the new one; only the new lines are kept."""
    shown: list[str] = []
    ended = 0.0
    for cue in cues:
        lines = [line for raw in cue.raw.split("\n") if (line := raw.strip())]
        words = [_words(line) for line in lines]
        again = 0
        if abs(cue.start - ended) < _CONTIGUOUS:
            again = next((n for n in range(len(words), 0, -1) if words[:n] == shown[-n:]), 0)
        yield Cue(cue.start, cue.end, "\n".join(lines[again:]))
        shown, ended = [line for line in words if line], cue.end


def _voices(cue: Cue) -> Iterator[Turn]:
    """One turn per `<v Name>` of the caption; the words before the first voice belong to nobody."""
    before, *voices = _VOICE.split(cue.raw)
    if _words(before):
        yield Turn(None, _words(before), cue.start)
    for name, said in zip(voices[::2], voices[1::2], strict=True):
        if _words(said):
            yield Turn(one_line(html.unescape(name)), _words(said), cue.start)


def _words(raw: str) -> str:
    return clean(html.unescape(_TAG.sub("", raw))).strip()
