"""Tells a speaker's name before a colon from any other words before a colon."""

import re
from collections import Counter
from collections.abc import Collection, Iterable

_PREFIX = re.compile(r"(?:>{1,3}\s{0,3}|- )?\*{0,2}([^:\n]{1,70}?)\*{0,2}\s?:\*{0,2}(?=\s|$)")
_PARENTHESES = re.compile(r"[(\[][^()\[\]]{1,50}[)\]]")
_HEAD = 100
_SMALL = "de da di del della der den van von la le du dos e y bin al el und and of the from at to"
# Labels of facts and headings that stand before a colon in notes.
_LABELS = """
action action-items actions agenda also attendee attendees bonus caution conclusion context cost date deal decision
decisions discussion duration end example examples fact file goal goals how http https idea invitees language link
location meeting meeting-id next next-steps note notes objective organizer outcome p.s participants price problem
purpose reason recap recorded recording regarding result results risk risks rule solution start step steps subject
summary takeaways time times tip title to todo topic topics transcript update updates url warning what when where why
"""
# With these begins a sentence, not a name.
_STARTS = (
    "it i we you so and but the that this these those he she they there here if because well yes no ok okay my your our"
)
_PARTICLES = frozenset(_SMALL.split())
_NO_FIRST_WORD = frozenset(_STARTS.split()) | {"step", "question", "note", "phase", "option"}
_NOT_A_NAME = frozenset(_LABELS.split())
_NEVER_IN_A_NAME = re.compile(r"[?!;\"\u201c\u201d<>{}=/\\|*\u2022\u2192]|\.\s+[a-z]")


def is_name(words: str, *, loose: bool = False) -> bool:
    """Whether these words can be the name or label of a speaker, such as `Dr. Ann van Dyk (Acme)` or `Speaker 2`.

    After a time stamp a short label may go on in small letters (`Audio plays`); that is what `loose` allows.
    """
    bare = _PARENTHESES.sub(" ", words).strip() if len(words) <= 70 else ""
    parts = bare.split()
    if not parts or len(parts) > 5 or len(words) > 70 or "-".join(parts).lower() in _NOT_A_NAME:
        return False
    if parts[0].lower().rstrip(",") in _NO_FIRST_WORD or _NEVER_IN_A_NAME.search(bare):
        return False
    if not parts[0][0].isalpha() or not _is_name_part(parts[0]):
        return False
    return (loose and len(parts) <= 3) or all(_is_name_part(part) for part in parts[1:])


def _is_name_part(part: str) -> bool:
    if part.lower().strip(".,") in _PARTICLES or part in {"\u2013", "-", "\u2014", "&"}:
        return True
    first = part.lstrip("'\u2019\"(")[:1]
    return first.isdigit() or (first.isalpha() and not first.islower()) or "@" in part


def is_small_name(words: str) -> bool:
    """Whether these words can be a name that its owner typed in small letters: `ann lee`, `rob's iPhone`."""
    parts = words.split()
    if not 0 < len(parts) <= 3 or "-".join(parts).lower() in _NOT_A_NAME or parts[0].lower() in _NO_FIRST_WORD:
        return False
    return len(words) <= 40 and all(
        part.strip(".'\u2019_-").replace("'", "").replace("\u2019", "").isalnum() for part in parts
    )


def unbracketed(words: str) -> str:
    """A name without the brackets around it: `[Ann Lee]`."""
    inner = words[1:-1]
    wrapped = words[:1] + words[-1:] in ("[]", "()") and not any(mark in inner for mark in "[]()")
    return inner.strip() if wrapped and inner[:1].isalpha() else words


def prefix_of(line: str, *, loose: bool = False, small: bool = False) -> tuple[str, str] | None:
    """The name before the colon and the words after it, when the line begins with what can be a name.

    small: also a name in small letters, which many words before a colon could be.
    """
    match = _PREFIX.match(line[:_HEAD])
    if match is None:
        return None
    name = " ".join(unbracketed(match[1].strip()).split())
    if not is_name(name, loose=loose) and not (small and is_small_name(name)):
        return None
    return name, line[match.end() :].strip()


def speaker_names(lines: Iterable[str]) -> frozenset[str]:
    """The names that these lines are spoken under.

    A single `Hint: ...` among many lines is no speaker. A name counts when it comes twice, when it has a first and a
    last part, or when many lines begin with one. Names in small letters count when nearly all lines begin with one.
    """
    count, found, small = 0, Counter[str](), Counter[str]()
    for line in lines:
        count += 1
        if (prefix := prefix_of(line)) is not None:
            found[prefix[0]] += 1
        elif (prefix := prefix_of(line, small=True)) is not None:
            small[prefix[0]] += 1
    if small and count > 1 and (found.total() + small.total()) * 4 >= count * 3 and len(small) < count:
        found += small
    if found.total() < 2:
        return frozenset()
    if found.total() * 2 >= count:
        return frozenset(found)
    return frozenset(name for name, times in found.items() if times > 1 or len(name.split()) > 1)


def spoken_by(line: str, names: Collection[str]) -> tuple[str | None, str]:
    """The speaker of a line, if it begins with one of the names, and the words without the name."""
    prefix = prefix_of(line, small=True)
    return prefix if prefix is not None and prefix[0] in names else (None, line)
