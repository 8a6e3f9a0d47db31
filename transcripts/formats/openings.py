"""Tells by its beginning whether a line opens a turn: who speaks, when, and what is said on the same line.

Expressions see the first few hundred characters of a line and no more, so a line of a million costs what a short does.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from transcripts.formats.base import SPOKEN, one_line, seconds_of
from transcripts.formats.names import is_name, prefix_of, unbracketed

HEAD = 300
_STAMP = r"(?:\d{1,2}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?"
_TIME = rf"(?:{_STAMP}|{SPOKEN})"
_UNTIL = rf"(?:\s{{0,9}}(?:-->|-|\u2013|\u2014)\s{{0,9}}{_STAMP})?"
_BRACKET = re.compile(rf"[\[(]({_STAMP}){_UNTIL}[\])]")
_BARE = re.compile(rf"@?({_TIME}){_UNTIL}(?=\s|$)")
_GONG = re.compile(rf"({_STAMP})\s{{0,9}}\|\s{{0,9}}(\S.{{0,80}})$")
_HEADER = re.compile(
    rf"(\S.{{0,80}}?)(\s{{1,20}}|\s{{0,9}}[-\u2013\u2014|]\s{{0,9}})(?:[\[(]({_STAMP})[\])]|({_TIME}))(?:(:)(?=\s|$)|$)"
)
_CHAT = re.compile(r"(\d{1,2}:\d{2}:\d{2})(\t\s{0,9}(?:From\s{1,9})?|\s{1,9}From\s{1,9})", re.IGNORECASE)
_CHAT_TO = re.compile(r"\sto\s", re.IGNORECASE)
_COLON = re.compile(r":(?=\s|$)")
_DASH = re.compile(r"[-\u2013\u2014]\s+")
_NUMBERED = re.compile(r"[\[(](speaker[ _]?\w{1,3})[\])]:?(?=\s|$)", re.IGNORECASE)
_BOLD_NAME = re.compile(r"(?:[-*>]\s{1,9})?(\*\*|__)(.{1,100}?)\1")


class Layout(Enum):
    """How a line announces its speaker."""

    STAMPED = "[mm:ss] Name: text"
    GONG = "m:ss | Name"
    HEADER = "Name  m:ss"
    CHAT = "hh:mm:ss From Name : text"
    NAMED = "Name: text"


@dataclass(frozen=True, slots=True)
class Opening:
    """A line that opens a turn."""

    layout: Layout
    speaker: str | None
    words: str
    start: float | None = None


def bold_removed(line: str) -> str:
    """The line without the emphasis that Markdown gives to its first words, and without blanks around it."""
    line = line.strip()
    if match := _BOLD_NAME.match(line[:HEAD]):
        return match[2] + line[match.end() :]
    return line


def opening_of(line: str) -> Opening | None:
    """What a stripped line opens by itself: a time with or without a name, or the number of a speaker."""
    head, tail = line[:HEAD], line[HEAD:]
    if not tail and (match := _GONG.match(head)):
        return Opening(Layout.GONG, one_line(match[2]), "", seconds_of(match[1]))
    if (match := _CHAT.match(head)) and (chat := _chat(seconds_of(match[1]), head[match.end() :], tail)) is not None:
        return chat
    if match := _BRACKET.match(head):
        return _bracketed(seconds_of(match[1]), line[match.end() :].lstrip())
    if match := _BARE.match(head):
        return _bare(seconds_of(match[1]), _without_dash(line[match.end() :].lstrip()))
    if match := _NUMBERED.match(head):
        return Opening(Layout.NAMED, one_line(match[1]), line[match.end() :].strip())
    return _header(head, tail)


def named_opening(line: str, known: Collection[str]) -> Opening | None:
    """A line that opens a turn by one of these names alone."""
    prefix = prefix_of(line, loose=True, small=True)
    return Opening(Layout.NAMED, *prefix) if prefix is not None and prefix[0] in known else None


def is_stamp(words: str) -> bool:
    """Whether these words are a time and nothing else."""
    if len(words) > 60:
        return False
    return any(found.end() == len(words) for p in (_BRACKET, _BARE) if (found := p.match(words)) is not None)


def stands_alone(words: str) -> str | None:
    """The name that is all of these words, as it stands on a line above what is said."""
    name = unbracketed(words[:HEAD].rstrip(":").strip())
    if not name or len(words) > 70 or is_stamp(words) or words[-1] in ".!?,":
        return None
    return one_line(name) if is_name(name) or name != words.rstrip(":").strip() else None


def _chat(start: float, head: str, tail: str) -> Opening | None:
    colon = _COLON.search(head)
    if colon is None:
        return None
    name, *to = _CHAT_TO.split(head[: colon.start()], maxsplit=1)
    if not 0 < len(name.strip()) <= 80 or any(len(receiver) > 80 for receiver in to):
        return None
    return Opening(Layout.CHAT, one_line(name), (head[colon.end() :] + tail).strip(), start)


def _bracketed(start: float, rest: str) -> Opening:
    rest = _without_dash(rest)
    if match := _NUMBERED.match(rest[:HEAD]):
        return Opening(Layout.STAMPED, one_line(match[1]), rest[match.end() :].strip(), start)
    speaker, words = prefix_of(rest, loose=True) or (None, rest)
    return Opening(Layout.STAMPED, speaker, words, start)


def _without_dash(rest: str) -> str:
    return rest[match.end() :] if (match := _DASH.match(rest[:20])) else rest


def _bare(start: float, rest: str) -> Opening | None:
    """A time without brackets opens a turn only before a name or alone: `10:30 works for me` is speech."""
    if not rest:
        return Opening(Layout.STAMPED, None, "", start)
    if match := _NUMBERED.match(rest[:HEAD]):
        return Opening(Layout.STAMPED, one_line(match[1]), rest[match.end() :].strip(), start)
    if prefix := prefix_of(rest):
        return Opening(Layout.STAMPED, prefix[0], prefix[1], start)
    return Opening(Layout.STAMPED, None, rest, start) if stands_alone(rest) else None


def _header(head: str, tail: str) -> Opening | None:
    """`Name  m:ss`, with the words below it or, behind a colon, beside it."""
    match = _HEADER.match(head)
    if match is None or not (match[5] or not tail):
        return None
    name = unbracketed(match[1].rstrip(","))
    if not is_name(name, loose=len(match[2]) > 1 or name != match[1]):
        return None
    words = (head[match.end() :] + tail).strip()
    return Opening(Layout.HEADER, one_line(name), words, seconds_of(match[3] or match[4]))
