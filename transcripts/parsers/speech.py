"""Cuts a call into sentences, each with its speaker, and finds out who introduces whom."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from transcripts.formats.base import Turn
from transcripts.formats.lines import read_lines
from transcripts.parsers.sentences import split
from transcripts.people import DEPARTMENTS, TITLE, Cast, Member, Side, same_name

_QUOTED = re.compile(r"\u201c[^\u201c\u201d]*\u201d|\"[^\"]*\"")
# Words that no title contains, and the fields that titles are of when not written in capitals.
_BREAK = (
    r"(?:and|or|but|who|i|i'm|we|our|my|your|his|her|their|is|was|are|be|with|here|to|from|not|so|the|an?|at|for|of|in"
    r"|on|as|just|also|this|that|all|happy|glad|today|now)\b"
)
_DEPARTMENT = rf"(?:(?-i:IT)|{'|'.join(sorted(DEPARTMENTS - {'it'}))})\b"
_FIELD = (
    r"(?:success|support|experience|services?|security|engineering|operations|resources|development|systems"
    r"|planning|management|technology|chain|care|relations|marketing|sales|finance|enablement|(?-i:[A-Z])[\w&-]+)\b"
)
_END = r"(?=\s*(?:[,.;:!?)\u2013\u2014]|$)|\s+(?:-|at|for|with|from|in|on|here|and|but|so|today)(?:\s|$))"
_TITLE = TITLE.pattern.replace(r"\b", "")
_TITLES = (
    rf"{_TITLE}(?:\s+{_TITLE})?\b(?:\s+of\s+(?!{_BREAK})[\w&-]+(?:\s+(?:{_FIELD}|(?!{_BREAK})\w+(?={_END})))?(?:\s+(?:and|&)\s+{_DEPARTMENT})?"
    rf"|\s+{_DEPARTMENT})?(?!\s+of\b)"
)
_ROLE = rf"(?P<role>(?i:(?:(?!{_BREAK})[A-Za-z][\w&/-]*\s+){{0,3}}?{_TITLES}))"
_NAME = r"\b(?P<name>[A-Z][a-z'\u2019-]+(?:\s[A-Z][a-z'\u2019-]+)?)"
_FULL_NAME = (
    r"(?P<name>[A-Z\u00c0-\u00de][\w'\u2019-]+"
    r"(?:\s(?:(?:van|von|de|der|den|da|del|di)\s){0,2}[A-Z\u00c0-\u00de][\w'\u2019-]+){0,2})"
)
# Where or when, rather than for whom.
_PLACE = (
    r"(?:EMEA|APAC|DACH|LATAM|EU|UK|USA?|I|(?:North|South|East|West)(?:ern)?|Central|Europe(?:an)?|Asia|Africa|Americas?"
    r"|Germany|France|Spain|Italy|India|Ireland|England|Scotland|Nordics|Benelux|Canada|Australia|London|Berlin|Paris"
    r"|Dublin|Amsterdam|Munich|Madrid|New York|San|Los|Chicago|Boston|Mumbai|Bangalore|Sydney|Leeds|Manchester"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri)day|Christmas|January|February|March|April|May|June|July|August|September"
    r"|October|November|December|Q[1-4])\b"
)
_ORGANIZATION = (
    rf"(?:the\s+)?(?P<organization>(?!{_PLACE})[A-Z][\w&-]*\w(?:\.\w+)?(?:\s(?:(?:&|of)\s)?[A-Z][\w&-]+){{0,2}})"
    r"(?!['\u2019\w]|\s(?:office|site|branch|depot|team)\b)"
)
_AT = rf"(?:,?\s+(?:here\s+)?(?:at|for|with|from)\s+{_ORGANIZATION})"
_I_AM = r"\b[Ii](?:'|\u2019)?(?:\s?a)?m"
_OF_OURS = re.compile(rf"{_NAME}(?:,|\s+is)\s+(?:our|my)\s+{_ROLE}")
_OF_OURS_SOMEHOW = re.compile(
    rf"{_NAME}(?:,|\s+is)\s+(?:our|my)\s+(?P<role>[A-Za-z][\w&/-]*(?:\s[A-Za-z][\w&/-]*){{0,3}}?)"
    r"(?=\s?[,.;!?]|$|\s(?:and|who|here|is|will)\b)"
)
_HERE_IS = re.compile(
    rf"\b(?:[Ww]ith me (?:today )?(?:is|are)|I (?:have|brought)|I['\u2019]ve (?:got|brought)|[Jj]oined by)\s{_NAME}"
)
_OF_TEAM = re.compile(rf"{_NAME}\s+from\s+(?:our\s+|the\s+)?(?P<role>[A-Za-z]+)\b")
_WITH_ME = re.compile(
    rf"{_NAME}(?:\s+from\s+(?:our\s+|the\s+)?[A-Za-z]+(?:\s+team)?|,\s+(?:our\s+|the\s+)?{_ROLE},)?\s+(?:is|will be)"
    r"\s+(?:also\s+)?(?:here\s+|on the call\s+)?(?:with me\b|with us today\b|joining (?:me|us)\b)"
)
# `I'm the head of sales`; without an article a title must say of what or where.
_MYSELF = (
    re.compile(rf"{_I_AM}\s+(?:a|an|the|your)\s+{_ROLE}{_AT}?"),
    re.compile(rf"{_I_AM}\s+(?P<role>(?:[A-Z][\w&/-]*\s+){{0,3}}?(?i:{_TITLES})){_AT}"),
    re.compile(
        rf"{_I_AM}\s+(?P<role>(?i:(?:head|director|vp|vice president)\s+of\s+(?!{_BREAK})\w+(?:\s+{_FIELD})?)){_END}"
    ),
    re.compile(
        r"\b(?P<role>)(?:I work (?:at|for)|I (?:lead|run|head(?: up)?|look after) (?:the )?"
        rf"(?i:{_DEPARTMENT})(?: team)? at)\s+{_ORGANIZATION}"
    ),
)
_SELF = rf"(?:{_I_AM}|\b[Mm]y name(?:['\u2019]s|\s+is)|\b[Tt]his is)\s+{_FULL_NAME}"
_BY_NAME = (
    re.compile(
        rf"{_SELF}(?:\s*[,\u2013\u2014]|\s+-|\s+and)\s+(?:and\s+)?(?:{_I_AM}\s+)?(?:(?:the|an?|your)\s+)?{_ROLE}{_END}{_AT}?"
    ),
    re.compile(rf"(?P<role>){_SELF}{_AT}"),
    re.compile(rf"(?P<role>)(?:^|[,!.]\s+){_FULL_NAME}\s+here{_AT}"),
    re.compile(rf"(?:^|[,!.]\s+){_FULL_NAME}\s+here,\s+(?:the\s+)?{_ROLE}{_END}{_AT}?"),
)
_SPEAKS_OF_SELF = re.compile(
    r"\bI(?:['\u2019]?m| am| work| lead| run| head| look)\b|[Tt]his is|i['\u2019]?m\b|y name| here\b"
)
_OF_COMPANY = re.compile(rf"^(?P<role>(?i:.*\b(?:c[efimort]o|founder|owner)))\s+of\s+{_ORGANIZATION}$")
_OTHER_HOUSE = re.compile(r"\b(?:consultant|partner|account|rep|representative)\b", re.IGNORECASE)
_OPENERS = (
    "I The This That Our My Your It He She We They And But So Yes No Hi Hey Hello Thanks Great Next Step From"
    " To Here There"
)
NOT_NAMES = frozenset(_OPENERS.split())
# `Ann, our customer` and `this is my guess` bring nobody along.
_NOT_OF_OURS = frozenset(
    [
        "customer",
        "client",
        "contact",
        "partner",
        "prospect",
        "pleasure",
        "guess",
        "point",
        "favorite",
        "friend",
        "goal",
        "plan",
        "offer",
        "price",
    ]
)


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
        return self.text.count(" ") + 1


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


def _introduce(cast: Cast, sentence: Sentence) -> None:
    """Learn roles and sides from `Luis is our Sales Engineer`, `Arjun from Security`, `I'm the head of sales`."""
    speaker, text = sentence.speaker, sentence.text
    # Most sentences introduce nobody, and plain words tell so much quicker than the patterns.
    if _SPEAKS_OF_SELF.search(text):
        _introduce_self(cast, speaker, text)
    if "our " not in text and "my " not in text and " from " not in text and " me" not in text and " us" not in text:
        return
    for match in _OF_OURS.finditer(text):
        if _can_be_name(match["name"]):
            guest = cast.named(match["name"])
            guest.learn(role=match["role"][0].upper() + match["role"][1:])
            cast.accompany(guest, speaker, same_organization=not _OTHER_HOUSE.search(match["role"]))
    _bring_along(cast, speaker, text)
    for match, role in ((match, match["role"]) for match in _OF_TEAM.finditer(text)):
        # `Revenue from sales` is nobody: in small letters the name must be a full one or known in the call.
        known = role[0].isupper() or (role != "it" and cast.knows(match["name"]))
        if known and role.lower() in DEPARTMENTS and _can_be_name(match["name"]):
            cast.named(match["name"]).learn(role=role[0].upper() + role[1:])
    for match in _WITH_ME.finditer(text):
        if _can_be_name(match["name"]) and (" " in match["name"] or cast.knows(match["name"])):
            guest = cast.named(match["name"])
            guest.learn(role=match["role"])
            cast.accompany(guest, speaker)


def _bring_along(cast: Cast, speaker: Member, text: str) -> None:
    """Somebody who speaks in the call and whom a speaker calls theirs, whatever they are called."""
    for match in _OF_OURS_SOMEHOW.finditer(text):
        words = match["role"]
        if cast.knows(match["name"]) and not _NOT_OF_OURS.intersection(words.lower().split()):
            guest = cast.named(match["name"])
            guest.learn(role=words[0].upper() + words[1:])
            cast.accompany(guest, speaker)
    for match in _HERE_IS.finditer(text):
        if cast.knows(match["name"]) and _can_be_name(match["name"]):
            cast.accompany(cast.named(match["name"]), speaker)


def _introduce_self(cast: Cast, speaker: Member, text: str) -> None:
    for pattern in _BY_NAME:
        if (match := pattern.search(text)) is None or not _can_be_name(match["name"]):
            continue
        if speaker.name and same_name(speaker.name, match["name"]):
            _learn(speaker, match)
        elif not speaker.name:
            _learn(cast.named(match["name"]), match)
    for pattern in _MYSELF if speaker.name else ():
        if match := pattern.search(text):
            _learn(speaker, match)


def _learn(member: Member, match: re.Match[str]) -> None:
    """Take over role and organization; `CEO of Acme` is one of each, and nobody works at a department."""
    role, organization = match["role"], match.groupdict().get("organization")
    if organization and organization.lower() in DEPARTMENTS:
        role, organization = role or organization, None
    owned = _OF_COMPANY.match(role)
    if owned and owned["organization"].lower() not in DEPARTMENTS:
        role, organization = owned["role"], organization or owned["organization"]
    if role or organization:
        member.learn(role=role[:1].upper() + role[1:] or None, organization=organization)


def _can_be_name(words: str) -> bool:
    return not NOT_NAMES.intersection(words.split()) and not same_name(words, "Everyone")
