"""Cuts a call into sentences, each with its speaker, and finds out who introduces whom."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from transcripts.formats.base import Turn
from transcripts.formats.lines import read_lines
from transcripts.people import DEPARTMENTS, TITLE, Cast, Member, Side, same_name

_QUOTED = re.compile(r"\u201c[^\u201d]*\u201d|\"[^\"]*\"")
_LONGEST = 1000
_BOLD = re.compile(r"\*\*(.+?)\*\*")
# Between single asterisks stands what was not said by the speaker: stage directions, and what is read or played.
_STAGE = re.compile(r"(?<!\*)\*[^*\n]{1,600}\*(?!\*)")
_SENTENCE_END = re.compile(
    r"(?<=[.!?\u2026])[\"\u201d\u2019)]*\s+(?=[\"\u201c\u2018(\[]?[A-Z\d\u00c0-\u00de\u20ac$\u00a3\u20b9~])|\n+"
)
_UNFINISHED = re.compile(r"(?:\b(?:vs|mr|mrs|ms|dr|prof|approx|e\.g|i\.e|no|st)|^\W*\d{1,2})\.$", re.IGNORECASE)
_ROLE = (
    r"((?:[A-Za-z][\w&/-]*\s+){0,3}?"
    + TITLE.pattern.replace(r"\b", "")
    + r"(?:\s+of\s+[\w&-]+(?:\s+[A-Z][\w&-]+)?)?)\b"
)
_NAME = r"\b([A-Z][a-z'\u2019-]+(?:\s[A-Z][a-z'\u2019-]+)?)"
_OF_OURS = re.compile(rf"{_NAME}(?:,|\s+is)\s+(?:our|my)\s+(?i:{_ROLE})")
_OF_TEAM = re.compile(rf"{_NAME}\s+from\s+([A-Z][A-Za-z]+)\b")
_MYSELF = re.compile(
    rf"\b[Ii](?:'|\u2019)?(?:\s?a)?m\s+(?:a|an|the|your)\s+(?i:{_ROLE})(?:\s+(?:at|for"
    rf"|with)\s+([A-Z][\w&-]+(?:\s[A-Z][\w&-]+)?))?"
)
_OPENERS = (
    "I The This That Our My Your It He She We They And But So Yes No Hi Hey Hello Thanks Great Next Step From"
    " To Here There"
)
_CAPITALISED_WORDS = frozenset(_OPENERS.split())


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: who says it, in which turn, and whether it is a question."""

    text: str
    speaker: Member
    turn: int

    @property
    def is_question(self) -> bool:
        """Whether it ends as a question."""
        return self.text.rstrip('"\u201d) ').endswith("?")

    @property
    def plain(self) -> str:
        """The text without what is put in quotation marks, for that is talked about and not said."""
        return _QUOTED.sub(" ", self.text)

    @property
    def words(self) -> int:
        """How many words it has."""
        return len(self.text.split())


@dataclass(frozen=True, slots=True)
class Speech:
    """A whole call, ready to be searched."""

    cast: Cast
    sentences: tuple[Sentence, ...]
    title: str | None = None

    @property
    def has_sides(self) -> bool:
        """Whether buyers can be told from sellers."""
        return any(member.side is Side.BUYER for member in self.cast.members)

    def of_buyers(self) -> Iterator[Sentence]:
        """What the customer says; everybody's words where nobody can tell the sides."""
        sides = self.has_sides
        return (sentence for sentence in self.sentences if not sides or sentence.speaker.side is not Side.SELLER)


def listen(text: str) -> Speech:
    """The call in sentences. Cues of one speaker are joined first, for captions cut sentences in two."""
    call = read_lines(text)
    cast = Cast(dict.fromkeys(turn.speaker for turn in call.turns if turn.speaker))
    for participant in call.participants:
        cast.enlist(participant.name, participant.role, participant.organization)
    sentences = tuple(
        Sentence(words, cast[turn.speaker], number)
        for number, turn in enumerate(_joined(call.turns))
        for words in split(turn.text)
    )
    for sentence in sentences:
        _introduce(cast, sentence)
    cast.settle_sides()
    return Speech(cast, sentences, call.title)


def _joined(turns: list[Turn]) -> Iterator[Turn]:
    pieces: list[Turn] = []
    for turn in turns:
        if pieces and (turn.speaker != pieces[0].speaker or turn.speaker is None):
            yield Turn(pieces[0].speaker, " ".join(piece.text for piece in pieces), pieces[0].start)
            pieces = []
        pieces.append(turn)
    if pieces:
        yield Turn(pieces[0].speaker, " ".join(piece.text for piece in pieces), pieces[0].start)


def split(text: str) -> Iterator[str]:
    """The sentences of a turn, without stage directions and emphasis."""
    pending = ""
    for piece in _pieces(_STAGE.sub(" ", _BOLD.sub(r"\1", text))):
        pending = f"{pending} {piece.strip()}".strip()
        if pending and not _UNFINISHED.search(pending):
            yield " ".join(pending.split())
            pending = ""
    if pending:
        yield " ".join(pending.split())


def _pieces(text: str) -> Iterator[str]:
    """The text cut at sentence ends; captions without any punctuation are cut every thousand characters."""
    for piece in _SENTENCE_END.split(text):
        while len(piece) > _LONGEST:
            cut = piece.rfind(" ", 1, _LONGEST)
            cut = cut if cut > 0 else _LONGEST
            yield piece[:cut]
            piece = piece[cut:]
        yield piece


def _introduce(cast: Cast, sentence: Sentence) -> None:
    """Learn roles and sides from `Luis is our Sales Engineer`, `Arjun from Security`, `I'm the head of sales`."""
    for match in _OF_OURS.finditer(sentence.text):
        if _can_be_name(match[1]):
            cast.named(match[1]).learn(role=match[2].strip(), side=sentence.speaker.side)
    for match in _OF_TEAM.finditer(sentence.text):
        if match[2].lower() in DEPARTMENTS and _can_be_name(match[1]):
            cast.named(match[1]).learn(role=match[2])
    if sentence.speaker.name and (match := _MYSELF.search(sentence.text)):
        sentence.speaker.learn(role=match[1].strip(), organization=match[2])


def _can_be_name(words: str) -> bool:
    return not _CAPITALISED_WORDS.intersection(words.split()) and not same_name(words, "Everyone")
