"""How the customer decides: timeline, stakeholders, budget, approvals, and the part that each person plays."""

import re

from transcripts.insights import ClassifiedRole, DecisionProcess
from transcripts.parsers import cues
from transcripts.parsers.speech import Sentence, Speech
from transcripts.people import Side

MOST = 8
_DONE = re.compile(r"\b(?:got|has been|was|is already) approved\b", re.IGNORECASE)
_TOP = re.compile(
    r"\b(?:c[efimort]o|founder|co-founder|owner|(?:vice )?president|vp|svp|evp|managing director|partner)\b",
    re.IGNORECASE,
)
_HIGH = re.compile(r"\b(?:director|head)\b", re.IGNORECASE)
_ADVISING = re.compile(
    r"\b(?:legal|counsel|security|secops|ciso|privacy|compliance|procurement|it|finance|architect"
    r"|consultant|lead|manager)\b",
    re.IGNORECASE,
)
_WORKING = re.compile(
    r"\b(?:rep|representative|agent|analyst|coordinator|specialist|assistant|developer|administrator|user)\b",
    re.IGNORECASE,
)
_PUSHES = re.compile(
    r"\b(?:before i pitch|i['\u2019?]ll (?:line up|bring|pitch|push|sell)|i want (?:this|us to)"
    r"|i['\u2019]m (?:sold|convinced))\b",
    re.IGNORECASE,
)
_DECIDES = re.compile(
    r"\b(?:i (?:can |will |['\u2019?]ll )?(?:sign|approve|decide)|my (?:budget|decision|call)"
    r"|we['\u2019?]ll green-?light|i have the budget)\b",
    re.IGNORECASE,
)
_BLOCKS = re.compile(
    r"\b(?:i (?:can['\u2019]t|cannot|won['\u2019]t) (?:approve|support|sign|allow)|over my dead"
    r"|i['\u2019]m against|absolutely not|deal[- ]?breaker)\b",
    re.IGNORECASE,
)

# What a customer says of money of their own, if an amount stands beside it.
_SPENDING = cues.Phrases(
    r"\b(?:too (?:expensive|pricey|costly|high|much)"
    r"|(?:can['\u2019]t|cannot|could|can) (?:afford|spend|go (?:up to|over))"
    r"|(?:sign|approve)s?(?: off)?(?: on)? (?:any|every)thing"
    r"|(?:we|i) (?:currently |already |now )?(?:pay|spend|paid|spent)"
    r"|(?:above|over|up to|below|under)\b.{0,40}\b(?:sign(?:s|ed|ature)?|approv(?:es?|al)|board)"
    r"|(?:sign(?:s|ed)?(?: off)?|approv(?:es?|al))\b.{0,40}\b(?:above|over|up to|below|under))\b"
)
_OFFICE = (
    r"(?:(?:(?:[Ss]ales|[Ss]enior|[Ee]xecutive) )?[Ll]eadership|(?:IT|[Ii]nformation|[Cc]yber) [Ss]ecurity|IT|SecOps"
    r"|[Ll]egal|[Pp]rocurement|[Ff]inance|[Cc]ompliance|[Pp]rivacy team|[Ss]ecurity team|[Tt]he board"
    r"|C[EFIT]O|COO|CISO)"
    r"(?: (?:team|lead|manager|director|department)\b)?"
)
_ACTS = (
    r"\s(?:also |both |all |first )?(?:counsel|wants?|needs?|signs?|will|has to|have to|may|must|reviews?"
    r"|approval|approves?)\b"
)
# An office counts where it acts or is turned to: `thought leadership` and `a legal mind` decide nothing.
_STAKEHOLDER = re.compile(
    rf"\b(?:[Oo]ur|[Mm]y|[Yy]our|pitch|with|if|ask|convince)\s({_OFFICE})\b(?! mind)"
    rf"|\b({_OFFICE})(?=(?:,? and (?:our |the )?{_OFFICE})?{_ACTS})"
    rf"|\b({_OFFICE})\b(?<=team|lead)"
)
_PAPER = cues.phrases(r"(?:dpa|nda|msa|order form|contract|questionnaire)\b")
_BUDGET = cues.phrases(r"budget(?:s|ed)?\b", r"funding\b", r"funds\b", r"allocated\b")
_PRICE = cues.phrases(
    r"(?:list )?price\b", r"pricing\b", r"per (?:user|seat|month|year)\b", r"discount\b", r"cost(?:s)?\b"
)
_TIMELINE = cues.phrases(
    r"go[- ]live\b",
    r"launch\b",
    r"target(?:ing)?\b",
    r"deadline\b",
    r"green[- ]light\b",
    r"roll[- ]?out\b",
    r"start (?:date|on|in|by)\b",
    r"timeline\b",
    r"decision (?:by|on|in|before|until)\b",
    r"(?:decide|make (?:a|the|our|up our) (?:decision|choice|minds?)|choose|be live|switch)\b"
    r".{0,30}\b(?:by|before|until|in|on|this|next|end)\b",
    r"if \w+ signs? off\b",
    r"we need \w.{0,60}\bby\b",
    r"when (?:do|would|could|will) (?:you|we)\b",
)


def process(speech: Speech) -> DecisionProcess:
    """The decision as the customer's sentences tell it; prices stand in where no budget was named."""
    buyers = list(speech.of_buyers())
    budget = [*_first(buyers, _BUDGET), *_spending(buyers)] or _first(list(speech.sentences), _PRICE, amount=True)
    return DecisionProcess(
        timeline="; ".join(_timeline(speech)),
        stakeholders=_stakeholders(speech, buyers),
        budget_context=" ".join(dict.fromkeys(budget)),
        approval_steps=_approvals(speech),
    )


def part_of(role: str, said: str, side: Side) -> ClassifiedRole:
    """The part in the decision: what somebody says weighs more than the title, and a title alone is enough."""
    if side is Side.SELLER:
        return ClassifiedRole.UNKNOWN
    by_words = ((_BLOCKS, ClassifiedRole.BLOCKER), (_DECIDES, ClassifiedRole.DECISION_MAKER))
    by_title = (
        (_TOP, ClassifiedRole.DECISION_MAKER),
        (_HIGH, ClassifiedRole.DECISION_MAKER),
        (_ADVISING, ClassifiedRole.INFLUENCER),
        (_WORKING, ClassifiedRole.END_USER),
    )
    found = next((part for pattern, part in by_words if pattern.search(said)), None)
    if found is None and _PUSHES.search(said) and not _TOP.search(role):
        found = ClassifiedRole.CHAMPION
    return found or next((part for pattern, part in by_title if pattern.search(role)), ClassifiedRole.UNKNOWN)


def _timeline(speech: Speech) -> list[str]:
    """Dates of going live and the like, also when the date is the answer to a question about it."""
    found: dict[str, str] = {}
    before: Sentence | None = None
    for sentence in speech.sentences:
        if cues.DATE.search(sentence.text) and not sentence.is_question:
            asked = before is not None and before.is_question and _TIMELINE.search(before.text)
            if before is not None and asked:
                found.setdefault(sentence.text, f"{before.text} {sentence.text}")
            elif _TIMELINE.search(sentence.text) and sentence.words < 40 and not cues.RECAP.search(sentence.text):
                found.setdefault(sentence.text, sentence.text)
        before = sentence
    return list(found.values())[:4]


def _stakeholders(speech: Speech, buyers: list[Sentence]) -> list[str]:
    """The customer's people by name, where sides are known, then the teams and offices they speak of."""
    named = [
        f"{member.name} ({member.role})" if member.role else str(member.name)
        for member in speech.cast.members
        if member.name and member.side is Side.BUYER
    ]
    found = (next(filter(None, match.groups())) for s in buyers for match in _STAKEHOLDER.finditer(s.plain))
    titles = {(member.role or "").lower() for member in speech.cast.members}
    offices = {office.lower(): _in_small(office) for office in found if office.lower() not in titles}
    # `sales leadership` already says `leadership`.
    words = {key: set(key.split()) - {"team", "department"} for key in offices}
    whole = [
        office
        for key, office in offices.items()
        if not any(words[key] < words[other] or (words[key] == words[other] and key < other) for other in words)
    ]
    return [*named, *whole][: 2 * MOST]


def _in_small(office: str) -> str:
    """`Legal` at the beginning of a sentence is `legal`; abbreviations keep their capitals."""
    first, space, rest = office.partition(" ")
    return f"{first.lower() if first.istitle() else first}{space}{rest}"


def _spending(buyers: list[Sentence]) -> list[str]:
    """What the customer pays, may sign or finds too much, where an amount of money is named."""
    return [
        sentence.text
        for sentence in buyers
        if cues.CURRENCY.search(sentence.text) and not sentence.is_question and _SPENDING.search(sentence.plain)
    ][:2]


def _first(sentences: list[Sentence], pattern: cues.Phrases, *, amount: bool = False) -> list[str]:
    """The first sentences of the matter, with the amount that comes in the sentence after it."""
    for position, sentence in enumerate(sentences):
        if (
            not pattern.search(sentence.plain)
            or sentence.is_question
            or (amount and not cues.CURRENCY.search(sentence.text))
        ):
            continue
        after = sentences[position + 1] if position + 1 < len(sentences) else None
        if after is not None and after.turn == sentence.turn and cues.AMOUNT.search(after.text):
            return [sentence.text, after.text]
        return [sentence.text]
    return []


def _approvals(speech: Speech) -> list[str]:
    """Reviews, signatures and papers on the way to a yes."""
    found: dict[str, str] = {}
    for sentence in speech.sentences:
        text = cues.LIST_ITEM.sub("", cues.NUMBERED_STEP.sub("", sentence.text))
        listed = text != sentence.text and _PAPER.search(text)
        if sentence.is_question or sentence.words > 40 or cues.RECAP.search(text) or _DONE.search(text):
            continue
        if listed or cues.APPROVAL.search(text):
            found.setdefault(text.lower(), text)
    return list(found.values())[:MOST]
