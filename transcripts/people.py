"""Who is who in a call: takes speaker labels such as `Prospect (Priya, RevOps Director)` apart and joins a person's."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum


class Side(Enum):
    """On which side of the table somebody sits."""

    SELLER = "seller"
    BUYER = "buyer"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Member:
    """One voice of the call. Without a name it is a voice of a side, such as a bare `Prospect`."""

    name: str | None = None
    role: str | None = None
    organization: str | None = None
    side: Side = Side.UNKNOWN
    labels: set[str] = field(default_factory=set)

    def learn(self, *, role: str | None = None, organization: str | None = None, side: Side = Side.UNKNOWN) -> None:
        """Take over what was not known before; a title says more than the name of a department."""
        only_department = (self.role or "").lower() in DEPARTMENTS
        self.role = (role or self.role) if only_department else (self.role or role)
        self.organization = self.organization or organization
        self.side = side if self.side is Side.UNKNOWN else self.side


@dataclass(frozen=True, slots=True)
class Label:
    """A speaker label taken apart; `part` is the word for the part in the call, such as `ae` or `prospect`."""

    part: str | None = None
    name: str | None = None
    role: str | None = None
    organization: str | None = None


# The parts people have in calls: their title, if the part tells it, and their side.
PARTS: dict[str, tuple[str | None, Side]] = {
    "ae": ("Account Executive", Side.SELLER),
    "account executive": ("Account Executive", Side.SELLER),
    "account manager": ("Account Manager", Side.SELLER),
    "am": ("Account Manager", Side.SELLER),
    "csm": ("Customer Success Manager", Side.SELLER),
    "bdr": ("Business Development Representative", Side.SELLER),
    "sdr": ("Sales Development Representative", Side.SELLER),
    "se": ("Sales Engineer", Side.SELLER),
    "sales engineer": ("Sales Engineer", Side.SELLER),
    "solutions engineer": ("Solutions Engineer", Side.SELLER),
    "sales": (None, Side.SELLER),
    "sales rep": ("Sales Representative", Side.SELLER),
    "rep": ("Sales Representative", Side.SELLER),
    "seller": (None, Side.SELLER),
    "vendor": (None, Side.SELLER),
    "prospect": (None, Side.BUYER),
    "customer": (None, Side.BUYER),
    "client": (None, Side.BUYER),
    "buyer": (None, Side.BUYER),
}
TITLE = re.compile(
    r"\b(?:c[efimorst]o|ciso|cpo|vp|svp|evp|vice president|president|founder|co-founder|owner|partner"
    r"|head|director|manager"
    r"|lead|leader|officer|counsel|engineer|architect|analyst|consultant|coordinator|administrator"
    r"|admin|specialist|buyer"
    r"|strategist|advis[eo]r|planner|designer|scientist|researcher|trainer|economist|technician|recruiter|expert"
    r"|executive|representative|rep|professor|developer|controller|accountant|supervisor|assistant"
    r"|chair(?:man|woman)?)\b",
    re.IGNORECASE,
)
_DEPARTMENTS = (
    "security legal finance procurement it operations ops revops engineering marketing compliance hr sales secops"
)
DEPARTMENTS = frozenset(_DEPARTMENTS.split())
# Titles that sit on the selling side of a call. Customers have success managers of their own, so those tell nothing.
_SELLING = re.compile(
    r"\b(?:account executive|account manager|(?:sales|solutions) engineer|solutions (?:consultant|architect)"
    r"|pricing (?:strategist|analyst|specialist|manager|lead|expert)"
    r"|(?:sales|business) development representative|sales rep(?:resentative)?|ae|sdr|bdr)$",
    re.IGNORECASE,
)
_OURS = re.compile(r"^(?:our|my) (?:company|team|side)$|^(?:us|internal)$", re.IGNORECASE)
_NUMBERED = re.compile(
    r"^(?:unknown )?(?:speaker|participant|guest|caller|user)\s*\w{0,2}$|^unknown$|^[\d+() -]+$", re.IGNORECASE
)
_LONGEST = 200
_SEPARATOR = re.compile(r"\s[-\u2013\u2014?]\s|[,/|]")


def label_of(text: str) -> Label:
    """Take a label apart. Stage directions in parentheses say nothing; a label that is no person gives an empty one."""
    outer, inner = _parts(" ".join(text.split())[:_LONGEST])
    if inner[:1].islower():
        inner = ""
    part = outer.lower()
    if part in PARTS or (inner and TITLE.fullmatch(outer)):
        name, _, role = _split(inner)
        known = PARTS[part][0] if part in PARTS else outer
        return Label(part, name if _is_person(name) else None, role or known)
    name, organization, role = _split(outer) if not inner else (outer, *_facts(inner))
    if not _is_person(name):
        return Label()
    return Label(None, name, role or None, organization or None)


def _parts(text: str) -> tuple[str, str]:
    """What stands before the first parenthesis, and what is in it if it goes to the end."""
    opened = min((place for mark in "([" if (place := text.find(mark)) >= 0), default=-1)
    if opened < 0 or text[-1] not in ")]" or not text[opened + 1 : -1]:
        return text, ""
    return text[:opened].strip(), text[opened + 1 : -1].strip()


def _split(text: str) -> tuple[str, str, str]:
    """`Name - Title, Organization` as name, organization and title."""
    name, *facts = [part for piece in _SEPARATOR.split(text) if (part := piece.strip())] or [""]
    return (name, *_facts(", ".join(facts)))


def _facts(text: str) -> tuple[str, str]:
    """Organization and title, whichever of the words are which."""
    if text.lower() in PARTS:
        return "", PARTS[text.lower()][0] or ""
    pieces = [part for piece in _SEPARATOR.split(text) if (part := piece.strip())]
    titles = [piece for piece in pieces if TITLE.search(piece) or piece.lower() in DEPARTMENTS]
    places = [piece for piece in pieces if piece not in titles]
    return ", ".join(places), ", ".join(titles)


def _is_person(name: str) -> bool:
    words = name.split()
    if not words or len(words) > 5 or _NUMBERED.match(name) or name.lower() in PARTS:
        return False
    # `Audio plays`: a name goes on in capitals, but for its small words.
    return words[0][:1].isalpha() and not words[-1][:1].islower()


class Cast:
    """Everybody who speaks or is listed or introduced, each once, in the order of their appearance."""

    def __init__(self, labels: Iterable[str]) -> None:
        self.members: list[Member] = []
        self._by_label: dict[str, Member] = {}
        self._by_name: dict[str, Member] = {}
        self._by_first_name: dict[str, list[Member]] = {}
        self._company: list[tuple[Member, Member, bool]] = []
        taken_apart = {label: label_of(label) for label in labels}
        # Those with names first: a bare `AE` may then be the one AE that has a name.
        for label, parts in sorted(taken_apart.items(), key=lambda item: item[1].name is None):
            self._by_label[label] = self._member(parts)
            self._by_label[label].labels.add(label)

    def __getitem__(self, label: str | None) -> Member:
        return self._by_label.get(label or "") or Member()

    def named(self, name: str) -> Member:
        """The member of this name, or of this first name if only one has it; a new one if there is none."""
        if (known := self._by_name.get(name.lower())) is not None:
            return known
        alike = self._by_first_name.setdefault(name.lower().split()[0], [])
        found = [member for member in alike[:2] if member.name and same_name(member.name, name)]
        if len(found) == 1:
            if len(name) > len(found[0].name or ""):
                found[0].name = name
            self._by_name[name.lower()] = found[0]
            return found[0]
        member = self._by_name[name.lower()] = Member(name)
        self.members.append(member)
        alike.append(member)
        return member

    def enlist(self, name: str, role: str | None, organization: str | None) -> None:
        """Take in somebody from the call's own list of participants."""
        label = label_of(name)
        if not (label.name or label.part):
            return
        ours = bool(organization and _OURS.match(organization))
        member = self._member(label)
        listed = label.name is not None and not (
            PARTS.get(label.part or "", ("", Side.UNKNOWN))[1] is Side.SELLER and not ours
        )
        side = Side.SELLER if ours else Side.BUYER if organization and listed else Side.UNKNOWN
        member.learn(role=role, organization=organization if listed and not ours else None, side=side)

    def knows(self, name: str) -> bool:
        """Whether somebody of this name, or this first name, speaks or has been introduced."""
        return any(member.name and same_name(member.name, name) for member in self.members)

    def accompany(self, guest: Member, host: Member, *, same_organization: bool = True) -> None:
        """Note that somebody came with somebody else, whose side and organization may be learned later."""
        if guest is not host:
            self._company.append((guest, host, same_organization))

    def settle_sides(self) -> None:
        """When sellers are known and no buyer is, everybody else sits on the other side."""
        self._sell_by_title()
        self._keep_company()
        selling = {member.organization for member in self.members if member.side is Side.SELLER} - {None}
        for member in self.members:
            if selling and member.organization:
                member.learn(side=Side.SELLER if member.organization in selling else Side.BUYER)
        self._keep_company()
        sides = {member.side for member in self.members}
        if Side.SELLER in sides and Side.BUYER not in sides:
            for member in self.members:
                member.learn(side=Side.BUYER)

    def _sell_by_title(self) -> None:
        """Account executives and the like sell, unless sellers are known or two organizations bring theirs."""
        if any(member.side is Side.SELLER for member in self.members):
            return
        selling = [m for m in self.members if m.side is Side.UNKNOWN and _SELLING.search(m.role or "")]
        if len({member.organization for member in selling if member.organization}) <= 1:
            for member in selling:
                member.learn(side=Side.SELLER)

    def _keep_company(self) -> None:
        for guest, host, same_organization in self._company:
            guest.learn(organization=host.organization if same_organization else None, side=host.side)

    def _member(self, label: Label) -> Member:
        title, side = PARTS.get(label.part or "", (None, Side.UNKNOWN))
        if label.name is not None:
            member = self.named(label.name)
        else:
            same = [member for member in self.members if label.part and label.part in self._parts(member)]
            member = same[0] if len(same) == 1 else Member()
            if not same and label.part:
                self.members.append(member)
        member.learn(role=label.role or title, organization=label.organization, side=side)
        if label.part:
            member.labels.add(label.part)
        return member

    @staticmethod
    def _parts(member: Member) -> set[str]:
        return {label.lower() for label in member.labels}


def same_name(one: str, other: str) -> bool:
    """Whether two names can be of one person: equal, or one is the first name of the other."""
    a, b = one.lower().split(), other.lower().split()
    return a == b or (a[0] == b[0] and 1 in (len(a), len(b)))
