"""Reads transcripts laid out in lines: plain text, Gong pastes, Otter exports, Zoom chats, the text of Word and PDF."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from textwrap import dedent

from transcripts.formats.base import Format, Participant, Turn, clean, one_line
from transcripts.formats.names import speaker_names, spoken_by
from transcripts.formats.openings import (
    HEAD,
    Layout,
    Opening,
    bold_removed,
    is_stamp,
    named_opening,
    opening_of,
    stands_alone,
)
from transcripts.formats.preamble import head_of

__all__ = ["Call", "is_stamp", "read_lines"]

_ITEM = re.compile(r"(?:[-*\u2022\u2013]|\(?\d{1,2}[.)])\s")
_GAP = re.compile(r"\n(?:[ \t]*\n){2,}")
_NOISE = re.compile(
    r"(?:-{3,}|={3,}|\*{3,}|_{3,}|```.*|#{1,6}\s.*|page \d{1,5}(?: of \d{1,5})?"
    r"|.{1,80} (?:started|stopped) (?:the )?(?:transcription|recording)|transcribed by https?://\S+)$",
    re.IGNORECASE,
)
FORMATS = {Layout.GONG: Format.GONG_PASTE, Layout.HEADER: Format.OTTER, Layout.CHAT: Format.ZOOM_CHAT}


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
    lines = [line for raw in _body(text).split("\n") if not _is_noise(line := raw.rstrip())]
    openings = _openings(lines)
    if not openings:
        return Call(Format.TEXT, [Turn(None, paragraph) for paragraph in _paragraphs(lines)])
    layouts = Counter(opening.layout for opening in openings.values())
    turns = list(_turns(lines, openings))
    speakers = {turn.speaker for turn in turns if turn.speaker}
    title, participants = head_of(lines[: min(openings)], speakers)
    return Call(FORMATS.get(layouts.most_common(1)[0][0], Format.TEXT), turns, title, participants)


def _is_noise(line: str) -> bool:
    return len(line) <= HEAD and _NOISE.match(line) is not None


def _body(text: str) -> str:
    """The text without common indentation; of Markdown, only the fenced block if the call is inside it."""
    fenced = "\n".join(_fenced(text.split("\n"))) if "```" in text else ""
    return dedent(fenced if len(_stamped(fenced.split("\n"))) > 1 else text)


def _fenced(lines: list[str]) -> list[str]:
    """The lines within blocks of code; a block that is never closed is none."""
    found: list[str] = []
    block: list[str] | None = None
    for line in lines:
        if line.startswith("```"):
            found, block = (found, []) if block is None else (found + block, None)
        elif block is not None:
            block.append(line)
    return found


def _openings(lines: list[str]) -> dict[int, Opening]:
    """The lines that open a turn, by position. Names alone count only where nothing is stamped with a time."""
    openings = _names_behind(lines, _names_beside(lines, _stamped(lines)))
    if len(openings) > 1 or (openings and next(iter(openings.values())).speaker):
        openings = _names_within(openings)
    else:
        openings = {}
    known = {opening.speaker for opening in openings.values() if opening.speaker}
    if not known:
        spoken = (line for position, line in enumerate(lines) if line and position not in openings)
        known = set(speaker_names(bold_removed(line) for line in spoken if not _continues(line)))
    for position, line in enumerate(lines):
        if position in openings or _continues(line):
            continue
        if (named := named_opening(bold_removed(line), known)) is not None:
            openings[position] = named
    return dict(sorted(openings.items()))


def _stamped(lines: list[str]) -> dict[int, Opening]:
    found = ((position, opening_of(bold_removed(line))) for position, line in enumerate(lines) if not _continues(line))
    return {position: opening for position, opening in found if opening is not None}


def _names_within(openings: dict[int, Opening]) -> dict[int, Opening]:
    """A name in small letters behind a time counts when most of the lines begin with one."""
    nameless = {position: one for position, one in openings.items() if one.speaker is None and one.words}
    names = speaker_names(one.words for one in nameless.values())
    found = {}
    for position, one in nameless.items():
        speaker, words = spoken_by(one.words, names)
        found[position] = replace(one, speaker=speaker, words=words)
    return openings | found


def _names_behind(lines: list[str], openings: dict[int, Opening]) -> dict[int, Opening]:
    """A time with nothing but a name behind it, and the words on the lines below; the same everywhere in a file."""
    found = {}
    for position, one in openings.items():
        below = lines[position + 1 : position + 2]
        name = stands_alone(one.words) if one.speaker is None and one.words else None
        if name and below not in ([], [""]) and position + 1 not in openings:
            found[position] = replace(one, speaker=name, words="")
    if len(found) > 1 and 2 * len(found) >= len(openings):
        return openings | found
    # Without brackets such words were taken for an opening only because they could be a name.
    return {p: one for p, one in openings.items() if one.speaker or not one.words or lines[p].lstrip()[:1] in "[(*_-"}


def _names_beside(lines: list[str], openings: dict[int, Opening]) -> dict[int, Opening]:
    """A time alone on its line may have the name on the line above it or below, the same everywhere in a file."""
    alone = [position for position, one in openings.items() if one.speaker is None and not one.words]
    above = {position: name for position in alone if (name := _name_at(lines, position - 1))}
    below = {
        position: name
        for position in alone
        if (name := _name_at(lines, position + 1)) and lines[position + 2 : position + 3] not in ([], [""])
    }
    names, shift = (below, 1) if len(below) > len(above) else (above, -1)
    if len(names) < 2 or 2 * len(names) < len(alone):
        return openings
    moved = {p: one for p, one in openings.items() if p not in names and p + shift not in names}
    for position, name in names.items():
        # The turn begins with the first of both lines and has its words behind the second.
        moved[min(position, position + shift)] = replace(openings[position], speaker=name)
        lines[max(position, position + shift)] = ""
    return moved


def _name_at(lines: list[str], position: int) -> str | None:
    return stands_alone(bold_removed(lines[position])) if 0 <= position < len(lines) else None


def _continues(line: str) -> bool:
    return line.startswith(("    ", "\t"))


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
