"""Reads the head of a transcript, above its first turn: the title and the list of participants."""

import re
from collections.abc import Collection, Iterator

from transcripts.formats.base import Participant, one_line

_LIST = re.compile(r"\W{0,9}(?:participants?|attendees?|invitees?|present|people on the call)\b", re.IGNORECASE)
_HOW_MANY = re.compile(r"\s{0,9}\(\d{1,4}\)")
_LIST_ENDS = re.compile(
    r"^\W*(transcript|agenda|notes|summary|date|duration|recorded|location|topics?)\b", re.IGNORECASE
)
_FIELD = re.compile(r"([A-Za-z][A-Za-z ]{1,20}):")
_TITLE_FIELDS = frozenset({"title", "subject", "call", "meeting", "topic", "call title", "meeting title"})
_NO_TITLE = re.compile(
    r"^(?:meeting )?(?:transcript|recording|notes)$|\b\d{1,2}:\d{2}|^\d|^(?:[A-Z][a-z]+ \d{1,2}, \d{4})", re.IGNORECASE
)
_RECORDING_SUFFIX = re.compile(r"-\d{8}_\d{6}-Meeting (?:Transcript|Recording)$", re.IGNORECASE)
_EMAIL = re.compile(r"<[\w.+-]{1,64}@[\w.-]{1,255}>|(?<![\w.+-])[\w.+-]{1,64}@[\w.-]{1,255}")
_RENDERED = re.compile(r" \| (role|organization): ")
_IN_PARENTHESES = re.compile(r"([^()]+)\(([^()]+)\)$")
_DASH = re.compile(r"\s[-\u2013\u2014]\s")
# A head is a page at most, in lines that people write.
_LINES, _LENGTH = 500, 500


def head_of(lines: list[str], speakers: Collection[str]) -> tuple[str | None, tuple[Participant, ...]]:
    """The title and the participants that these lines name."""
    lines = [line.strip()[:_LENGTH] for line in lines[:_LINES]]
    return _title(lines), tuple(_participants(lines, speakers))


def _title(lines: list[str]) -> str | None:
    for line in lines:
        field = _FIELD.match(line)
        if field and field[1].lower() in _TITLE_FIELDS and (words := one_line(line[field.end() :])):
            return words[:200]
    first = one_line(next((line for line in lines if line.strip()), ""))
    if not first or len(first) > 120 or _FIELD.match(first) or _LIST.match(first) or _NO_TITLE.search(first):
        return None
    return _RECORDING_SUFFIX.sub("", first) or None


def _participants(lines: list[str], speakers: Collection[str]) -> Iterator[Participant]:
    entries = _entries(lines)
    organization: str | None = None
    for position, entry in enumerate(entries):
        following = entries[position + 1] if position + 1 < len(entries) else None
        if _is_heading(entry, following, speakers):
            organization = entry
        elif (participant := participant_of(entry, organization, speakers)) is not None:
            yield participant


def _entries(lines: list[str]) -> list[str]:
    """The lines of the list of participants; on one line, what stands between its commas."""
    for position, line in enumerate(lines):
        if match := _LIST.match(line):
            rest = line[match.end() :]
            rest = _HOW_MANY.sub("", rest, count=1) if _HOW_MANY.match(rest) else rest
            if rest := rest.lstrip(" \t:*_-\u2013\u2014."):
                return [entry for part in _outside_parentheses(rest) if (entry := part.strip())]
            return list(_block(lines[position + 1 :]))
    return []


def _outside_parentheses(text: str) -> Iterator[str]:
    """The parts between commas and semicolons, but for those within parentheses."""
    depth, begin = 0, 0
    for position, character in enumerate(text):
        depth = max(0, depth + (character == "(") - (character == ")"))
        if character in ",;" and not depth:
            yield text[begin:position]
            begin = position + 1
    yield text[begin:]


def _block(lines: list[str]) -> Iterator[str]:
    begun = False
    for line in lines:
        entry = re.sub(r"^[-*\u2022]\s+", "", line.strip())
        if _LIST_ENDS.match(entry) or (begun and not entry):
            return
        if entry:
            begun = True
            yield entry


def _is_heading(entry: str, following: str | None, speakers: Collection[str]) -> bool:
    """An organisation stands alone on its line above its people: no comma, no parentheses, and it never speaks."""
    if following is None or not speakers or entry in speakers or re.search(r"[,|(<]| [-\u2013\u2014] ", entry):
        return False
    return following in speakers or re.search(r"[,|(<]| [-\u2013\u2014] ", following) is not None


def participant_of(entry: str, organization: str | None, speakers: Collection[str]) -> Participant | None:
    """One entry of the list: `Name, Role`, `Name - Role`, `Name (Role, Place)`, or what `Participant.render` wrote."""
    entry = one_line(_EMAIL.sub("", entry))
    if " | role: " in entry or " | organization: " in entry:
        name, *facts = _RENDERED.split(entry)
        known = dict(zip(facts[::2], facts[1::2], strict=False))
        return Participant(name.strip(), known.get("organization", organization), known.get("role"))
    if entry in speakers or not entry:
        return Participant(entry, organization) if entry else None
    if match := _IN_PARENTHESES.match(entry):
        name, facts_text = match[1].strip(), match[2]
    else:
        name, _, facts_text = _DASH.sub(", ", entry, count=1).partition(", ")
    role, _, place = facts_text.partition(", ")
    return Participant(name.strip(), place.strip() or organization, role.strip() or None)
