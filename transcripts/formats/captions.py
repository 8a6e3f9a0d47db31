"""Reads caption files: WebVTT (Teams voices, Zoom names, rolling YouTube captions) and SubRip.

Read by line, and forgiving: what counts is a line with two times, and what stands below it until the next such line.
"""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from transcripts.formats.base import Turn, clean, one_line, seconds_of
from transcripts.formats.names import speaker_names, spoken_by
from transcripts.formats.openings import stands_alone

_TIME = r"(?:\d{1,4}:)?\d{1,2}:\d{1,2}(?:[.,]\d{1,3})?"
TIMING = re.compile(rf"[ \t]{{0,9}}({_TIME})[ \t]{{0,9}}-->[ \t]{{0,9}}({_TIME})(?![\w:])")
_VOICE = re.compile(r"<v(?:\.[^\s<>]{1,100})?[ \t]{1,9}([^<>\n]{1,200})>")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,300}>|<[\d:.]{1,20}>|</?>|\{\\[^{}\n]{0,100}\}")
# Blocks of a WebVTT file that nobody speaks; a second header stands where two files were joined.
_UNSPOKEN = re.compile(r"(?:NOTE|STYLE|REGION|WEBVTT)(?:\s|$)")
# A rolling caption starts where the one before it ends, and shows a few lines.
_CONTIGUOUS = 0.1
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: its raw text with tags, from `start` to `end` seconds."""

    start: float
    end: float
    raw: str


def read_captions(text: str) -> list[Turn]:
    """The turns of a WebVTT or SubRip file; a caption without words is left out."""
    return _turns(cues(text))


def cues(text: str) -> Iterator[Cue]:
    """The captions of a file in its order; a lost header, identifiers and notes do no harm."""
    times: tuple[float, float] | None = None
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if (found := TIMING.match(line[:200])) is None:
            lines.append(line)
            continue
        if times is not None:
            yield Cue(*times, _said(lines, followed=True))
        times, lines = (seconds_of(found[1]), seconds_of(found[2])), []
    if times is not None:
        yield Cue(*times, _said(lines, followed=False))


def _said(lines: list[str], *, followed: bool) -> str:
    """What is spoken below a line of times: blank lines end notes, not the speech."""
    if followed:
        lines = _without_identifier(lines)
    spoken, unspoken = [], False
    for number, line in enumerate(lines):
        begins = number > 0 and not lines[number - 1].strip()
        unspoken = bool(line.strip()) and (unspoken or (begins and _UNSPOKEN.match(line) is not None))
        if not unspoken and line.strip():
            spoken.append(line)
    return "\n".join(spoken)


def _without_identifier(lines: list[str]) -> list[str]:
    """The line right above the next times is the next caption's name, unless it is all that this caption says."""
    if not lines or not (last := lines[-1].strip()):
        return lines
    stands_alone = len(lines) > 1 and not lines[-2].strip() and any(line.strip() for line in lines[:-1])
    named = last.isdecimal() or stands_alone or (len(lines) > 1 and not lines[-2].strip() and " " not in last)
    return lines[:-1] if named else lines


def _turns(captions: Iterable[Cue]) -> list[Turn]:
    voiced = [turn for cue in _headed(list(_unrolled(captions))) for turn in _voices(cue)]
    names = speaker_names(turn.text for turn in voiced if turn.speaker is None)
    turns = []
    for turn in voiced:
        speaker, words = (turn.speaker, turn.text) if turn.speaker else spoken_by(turn.text, names)
        if words := one_line(words):
            turns.append(Turn(speaker, words, turn.start))
    return turns


def _unrolled(captions: Iterable[Cue]) -> Iterator[Cue]:
    """Rolling captions show the last line again above the new one; only the new lines are kept."""
    shown: list[str] = []
    ended = 0.0
    for cue in captions:
        lines = [line for raw in cue.raw.split("\n") if (line := raw.strip())]
        words = [_words(line) for line in lines]
        again = 0
        if abs(cue.start - ended) < _CONTIGUOUS:
            most = min(len(words), _SHOWN)
            again = next((n for n in range(most, 0, -1) if words[:n] == shown[-n:]), 0)
        yield Cue(cue.start, cue.end, "\n".join(lines[again:]))
        shown, ended = [line for line in words if line], cue.end


def _headed(captions: list[Cue]) -> Iterator[Cue]:
    """Where nearly every caption has a name alone on its first line, that is who speaks."""
    heads = [cue.raw.partition("\n") for cue in captions]
    names = [stands_alone(head) if rest and "<" not in head else None for head, _, rest in heads]
    spoken = sum(1 for cue in captions if cue.raw)
    headed = sum(1 for name in names if name) > 1 and 5 * sum(1 for name in names if name) >= 4 * spoken
    for cue, name, (_, _, rest) in zip(captions, names, heads, strict=True):
        yield Cue(cue.start, cue.end, f"<v {name}>{rest}") if headed and name else cue


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
