"""Reads transcripts laid out in lines: plain text, Gong pastes, Otter exports, Zoom chats, the text of Word and PDF."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from textwrap import dedent

from transcripts.formats.base import Format, Participant, Turn, clean, one_line, seconds_of
from transcripts.formats.names import is_name, prefix_of, speaker_names
from transcripts.formats.preamble import head_of

_STAMP = r"(?:\d{1,2}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?"
_UNTIL = rf"(?:\s*(?:-->|-|\u2013|\u2014)\s*{_STAMP})?"
_BRACKET = re.compile(rf"^[\[(]({_STAMP}){_UNTIL}[\])]\s*(?:[-\u2013\u2014]\s+)?(.*)$")
_BARE = re.compile(rf"^({_STAMP}){_UNTIL}(?:\s+(?:[-\u2013\u2014]\s+)?(.*))?$")
_GONG = re.compile(rf"^({_STAMP})\s*\|\s*(\S.{{0,80}})$")
_HEADER = re.compile(rf"^(\S.{{0,80}}?)(\s+|\s*[-\u2013\u2014|]\s*)[\[(]?({_STAMP})[\])]?$")
_CHAT = re.compile(
    r"^(\d{1,2}:\d{2}:\d{2})(?:\t\s*(?:From\s+)?|\s+From\s+)(.{1,80}?)(?:\s+to\s+.{1,80}?)?\s*:(?:\s+|$)(.*)$",
    re.IGNORECASE,
)
_BOLD_NAME = re.compile(r"^(?:[-*>]\s+)?(\*\*|__)(.+?)\1")
_ITEM = re.compile(r"^(?:[-*\u2022\u2013]|\(?\d{1,2}[.)])\s")
_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_GAP = re.compile(r"\n(?:[ \t]*\n){2,}")
_NOISE = re.compile(
    r"^(?:-{3,}|={3,}|\*{3,}|_{3,}|```.*|#{1,6}\s.*|page \d+(?: of \d+)?"
    r"|.{1,80} (?:started|stopped) (?:the )?(?:transcription|recording)|transcribed by https?://\S+)$",
    re.IGNORECASE,
)


class Layout(Enum):
    """How a line announces its speaker."""

    STAMPED = "[mm:ss] Name: text"
    GONG = "m:ss | Name"
    HEADER = "Name  m:ss"
    CHAT = "hh:mm:ss From Name : text"
    NAMED = "Name: text"


FORMATS = {Layout.GONG: Format.GONG_PASTE, Layout.HEADER: Format.OTTER, Layout.CHAT: Format.ZOOM_CHAT}


@dataclass(frozen=True, slots=True)
class Opening:
    """A line that opens a turn."""

    layout: Layout
    speaker: str | None
    words: str
    start: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What a text in lines holds."""

    format: Format
    turns: list[Turn]
    title: str | None = None
    participants: tuple[Participant, ...] = ()


def read_lines(text: str) -> Call:
    """Find the turns of a text, however its lines announce them; a text without speakers gives its paragraphs."""
    text = _GAP.sub("\n\n", clean(text))
    lines = [line for raw in _body(text).split("\n") if not _NOISE.match(line := raw.rstrip())]
    openings = _openings(lines)
    if not openings:
        return Call(Format.TEXT, [Turn(None, paragraph) for paragraph in _paragraphs(lines)])
    layouts = Counter(opening.layout for opening in openings.values())
    turns = list(_turns(lines, openings))
    speakers = {turn.speaker for turn in turns if turn.speaker}
    title, participants = head_of(lines[: min(openings)], speakers)
    return Call(FORMATS.get(layouts.most_common(1)[0][0], Format.TEXT), turns, title, participants)


def _body(text: str) -> str:
    """The text without common indentation; of Markdown, only the fenced block if the call is inside it."""
    fenced = "\n".join(_FENCE.findall(text)) if "```" in text else ""
    return dedent(fenced if len(_stamped(fenced.split("\n"))) > 1 else text)


def _openings(lines: list[str]) -> dict[int, Opening]:
    """The lines that open a turn, by position. Names alone count only where nothing is stamped with a time."""
    openings = _stamped(lines)
    if len(openings) > 1 or (openings and next(iter(openings.values())).speaker):
        known = {opening.speaker for opening in openings.values()}
    else:
        openings, known = {}, set(speaker_names(_bold_removed(line) for line in lines if line and not _continues(line)))
    for position, line in enumerate(lines):
        if (
            position not in openings
            and not _continues(line)
            and (prefix := prefix_of(_bold_removed(line)))
            and prefix[0] in known
        ):
            openings[position] = Opening(Layout.NAMED, prefix[0], prefix[1])
    return dict(sorted(openings.items()))


def _stamped(lines: list[str]) -> dict[int, Opening]:
    found = ((position, _opening(_bold_removed(line))) for position, line in enumerate(lines) if not _continues(line))
    return {position: opening for position, opening in found if opening is not None}


def _continues(line: str) -> bool:
    return line.startswith(("    ", "\t"))


def _bold_removed(line: str) -> str:
    return _BOLD_NAME.sub(r"\2", line.strip(), count=1)


def _opening(line: str) -> Opening | None:
    if match := _GONG.match(line):
        return Opening(Layout.GONG, one_line(match[2]), "", seconds_of(match[1]))
    if match := _CHAT.match(line):
        return Opening(Layout.CHAT, one_line(match[2]), match[3], seconds_of(match[1]))
    if match := _BRACKET.match(line):
        speaker, words = prefix_of(match[2], loose=True) or (None, match[2])
        return Opening(Layout.STAMPED, speaker, words, seconds_of(match[1]))
    if match := _BARE.match(line):
        return _bare(seconds_of(match[1]), match[2] or "")
    if (match := _HEADER.match(line)) and is_name(match[1], loose=len(match[2]) > 1):
        return Opening(Layout.HEADER, one_line(match[1]), "", seconds_of(match[3]))
    return None


def _bare(start: float, rest: str) -> Opening | None:
    """A time without brackets opens a turn only before a name or alone: `10:30 works for me` is speech."""
    if not rest:
        return Opening(Layout.STAMPED, None, "", start)
    prefix = prefix_of(rest)
    return Opening(Layout.STAMPED, prefix[0], prefix[1], start) if prefix else None


def _turns(lines: list[str], openings: dict[int, Opening]) -> Iterator[Turn]:
    starts = list(openings)
    for position, following in zip(starts, [*starts[1:], len(lines)], strict=True):
        opening = openings[position]
        if words := _joined([opening.words, *lines[position + 1 : following]]):
            yield Turn(opening.speaker, words, opening.start)


def _joined(lines: list[str]) -> str:
    """Wrapped lines become one again; list items and paragraphs stay on lines of their own."""
    text, broken = "", False
    for line in (one_line(line) for line in lines):
        if not line:
            broken = bool(text)
        else:
            text += ("\n" if broken or _ITEM.match(line) else " ") * bool(text) + line
            broken = False
    return text


def _paragraphs(lines: list[str]) -> list[str]:
    return [paragraph for paragraph in _joined(lines).split("\n") if paragraph]


def is_stamp(words: str) -> bool:
    """Whether these words are a time and nothing else."""
    return re.fullmatch(rf"[\[(]?{_STAMP}{_UNTIL}[\])]?", words) is not None
