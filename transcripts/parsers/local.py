"""The parser that needs no model: it finds by cue phrases what was said, and always the same in the same text."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from transcripts.insights import ClassifiedRole, CompetitionMention, Insights, Person
from transcripts.parsers import cues, deciding, promises, rivals, tone
from transcripts.parsers.base import Parsed
from transcripts.parsers.speech import NOT_NAMES, Sentence, Speech, listen
from transcripts.people import Member, Side, same_name

MOST = 12
MOST_QUOTES = 6
_LONGEST = 400
_GREETING = re.compile(
    r"^(?:good (?:morning|afternoon|evening)|hi|hello|hey|welcome|thanks? you for joining)\b", re.IGNORECASE
)


class LocalParser:
    """Real work without a model, in much less than a second; what it does not recognise stays empty."""

    def parse(self, text: str) -> Parsed:
        """The insights of the call."""
        speech = listen(text)
        steps = next_steps(speech)
        dated = sum(1 for step in steps if cues.DATE.search(step))
        buyers = list(speech.of_buyers())
        insights = Insights(
            pain_points=pain_points(speech),
            goals=_said(buyers, _is_goal),
            people=[_person(member) for member in speech.cast.members if member.name],
            next_steps=steps,
            why_and_why_now=_said(buyers, lambda s: not s.is_question and _ours(s) and cues.WHY.search(s.text)),
            quantifiable_metrics=_said(speech.sentences, _is_metric),
            key_quotes=key_quotes(buyers),
            objections=[_with_name(s) for s in _matching(buyers, lambda s: rivals.OBJECTION.search(s.plain))],
            competition_mentions=competition(speech),
            decision_process=deciding.process(speech),
            call_sentiment=tone.mood(buyers, steps, dated),
        )
        return Parsed(insights, json.dumps(findings(speech), ensure_ascii=False, indent=1), "local")

    def classify(self, people: Sequence[Person], text: str) -> list[ClassifiedRole]:
        """The part of each person, by title and by what they say; sellers have none."""
        speech = listen(text)
        return [self._role(person, speech) for person in people]

    def _role(self, person: Person, speech: Speech) -> ClassifiedRole:
        member = next(
            (m for m in speech.cast.members if m.name and same_name(m.name, person.name)), Member(person.name)
        )
        said = " ".join(sentence.text for sentence in speech.sentences if sentence.speaker is member)
        return deciding.part_of(person.role, said, member.side)


def findings(speech: Speech) -> dict[str, object]:
    """What was counted on the way: talk share, questions, dates and amounts. Kept as the parser's raw answer."""
    letters: Counter[str] = Counter()
    for sentence in speech.sentences:
        letters[_name(sentence.speaker)] += len(sentence.text)
    total = letters.total() or 1
    text = [sentence.text for sentence in speech.sentences]
    return {
        "talk_share": {name: round(count / total, 3) for name, count in letters.most_common(50)},
        "questions": [_with_name(s) for s in speech.sentences if s.is_question and s.words > 2][:50],
        "dates": _unique(match[0].strip() for line in text for match in cues.DATE.finditer(line))[:50],
        "amounts": _unique(match[0].strip() for line in text for match in cues.AMOUNT.finditer(line))[:50],
    }


def pain_points(speech: Speech) -> list[str]:
    """What the customer complains about, and the pains that a seller lists in a recap of theirs."""
    listed = (item for sentence in speech.sentences for item in _listed_pains(sentence.text))
    said = _matching(speech.of_buyers(), lambda s: not s.is_question and _ours(s) and cues.PAIN.search(s.text))
    return _unique([*listed, *(sentence.text for sentence in said)])[:MOST]


def _listed_pains(text: str) -> Iterator[str]:
    match = cues.PAIN_LIST.search(text)
    items = cues.INLINE_ITEM.split(text[match.end() :].strip()) if match else []
    for item in items[1:]:
        if words := item.strip().removesuffix(" and").removesuffix(" or").rstrip(",;. "):
            yield words[0].upper() + words[1:]


def next_steps(speech: Speech) -> list[str]:
    """Promises, requests and recaps, each with the name of who said it and its dates as they were said."""
    steps: list[str] = []
    recap_turn = -1
    for sentence in speech.sentences:
        if cues.RECAP.search(sentence.text):
            recap_turn = sentence.turn
            words = cues.RECAP.split(sentence.text, 1)[-1].strip()
            if words and not _opens(sentence, speech) and not _only_tells(words):
                steps.extend(_items(words) if cues.INLINE_ITEM.match(words) else [_with_name(sentence)])
        elif sentence.turn == recap_turn and cues.LIST_ITEM.match(sentence.text):
            steps.append(cues.LIST_ITEM.sub("", sentence.text).rstrip("."))
        elif _is_step(sentence):
            steps.append(_with_name(sentence))
    return _unique(steps)[: 2 * MOST]


def _opens(sentence: Sentence, speech: Speech) -> bool:
    """The agenda at the beginning of a call also says `next steps`, but agrees on none."""
    return sentence.turn * 10 < speech.sentences[-1].turn and bool(
        re.search(r"\bagenda\b", sentence.text, re.IGNORECASE)
    )


def _is_step(sentence: Sentence) -> bool:
    text = sentence.text
    if cues.NUMBERED_STEP.match(text):
        return True
    if sentence.words < 4 or "agenda" in text.lower():
        return False
    if promises.LOOKING_BACK.search(text) and not promises.PROMISE.search(text):
        return False
    when = cues.DATE.search(text) or promises.CLOCK.search(text)
    promised = (
        when
        and sentence.words < 40
        and not sentence.is_question
        and (promises.PROMISE.search(text) or promises.FOR_ANOTHER.search(text))
    )
    return bool(promised or promises.IMPERATIVE.search(text) or promises.NEXT_STEP.search(text))


def _only_tells(words: str) -> bool:
    """Whether a recap says what was, and not what is to be done."""
    return promises.LOOKING_BACK.search(words) is not None and not promises.PROMISE.search(words)


def _items(text: str) -> list[str]:
    return [item.strip(" .;,") for item in cues.INLINE_ITEM.split(text) if len(item.strip(" .;,")) > 3]


def key_quotes(sentences: Iterable[Sentence]) -> list[str]:
    """The customer's most telling sentences, word for word, in the order of the call."""
    scored = [(_weight(sentence), sentence) for sentence in sentences if 5 <= sentence.words <= 40]
    telling = sorted((item for item in scored if item[0] > 1), key=lambda item: -item[0])[:MOST_QUOTES]
    chosen = {id(sentence) for _, sentence in telling}
    return [f"\u201c{s.text}\u201d \u2014 {_name(s.speaker)}" for _, s in scored if id(s) in chosen]


def _weight(sentence: Sentence) -> int:
    if sentence.is_question or _GREETING.match(sentence.text):
        return 0
    patterns = (cues.PAIN, cues.GOAL, rivals.OBJECTION, cues.WHY, cues.APPROVAL)
    about = sum(1 for pattern in patterns if pattern.search(sentence.text))
    if not about:
        return 0
    amount = cues.AMOUNT.search(sentence.text) is not None
    return about + amount + min(sum(tone.balance(sentence.text)), 2) * _ours(sentence)


def competition(speech: Speech) -> list[CompetitionMention]:
    """Other vendors named by a phrase of comparison; names of people in the call are none."""
    people = {word.lower() for member in speech.cast.members for word in (member.name or "").split()}
    houses = {member.organization.lower() for member in speech.cast.members if member.organization}
    mentions: dict[str, CompetitionMention] = {}
    often = Counter(name for sentence in speech.sentences for name in rivals.NAMED.findall(sentence.text))
    for sentence in speech.sentences:
        for name in (*_vendors(sentence), *_rivals(sentence, often)):
            if people.isdisjoint(name.lower().split()) and name.lower() not in houses:
                known = CompetitionMention(
                    competitor=name, context=_with_name(sentence), sentiment=tone.tone_of(sentence.text)
                )
                mentions.setdefault(name.lower(), known)
    return list(mentions.values())[:MOST]


def _vendors(sentence: Sentence) -> Iterator[str]:
    """Names after a phrase of comparison; what `we looked at` tells of rivals only in the customer's mouth."""
    patterns = (rivals.COMPETITOR,) if sentence.speaker.side is Side.SELLER else (rivals.COMPETITOR, rivals.OWN_VENDOR)
    for pattern in patterns:
        for match in pattern.finditer(sentence.text):
            name = next(filter(None, match.groups())).rstrip(".")
            if not rivals.NO_COMPETITOR.match(name):
                yield name


def _rivals(sentence: Sentence, often: Counter[str]) -> Iterator[str]:
    """Names that are compared with nothing but a price or an offer; once may be chance, a rival is named again."""
    for match in rivals.RIVAL.finditer(sentence.text):
        words = next(filter(None, match.groups())).rstrip(".").split()
        name = " ".join(words[1:] if words[0] in NOT_NAMES else words)
        if name and often[name.split()[0]] > 1 and not rivals.NO_COMPETITOR.match(name) and name not in NOT_NAMES:
            yield name


def _is_goal(sentence: Sentence) -> bool:
    text = sentence.text
    return (
        not sentence.is_question
        and sentence.words < 36
        and bool(cues.GOAL.search(text))
        and not cues.NEGATED_WISH.search(text)
    )


def _is_metric(sentence: Sentence) -> bool:
    """A number with a meaning; what is only listed or summed up again is a step, not a fact."""
    listed = cues.LIST_ITEM.match(sentence.text) or cues.NUMBERED_STEP.match(sentence.text)
    return cues.AMOUNT.search(sentence.text) is not None and not listed and not cues.RECAP.search(sentence.text)


def _ours(sentence: Sentence) -> bool:
    """Whether the speaker talks of their own: a lecture has problems and reasons as well."""
    return cues.FIRST_PERSON.search(sentence.text) is not None


def _matching(sentences: Iterable[Sentence], wanted: Callable[[Sentence], object]) -> list[Sentence]:
    found: dict[str, Sentence] = {}
    for sentence in sentences:
        if len(found) == MOST:
            break
        if sentence.words > 2 and wanted(sentence):
            found.setdefault(sentence.text.lower(), sentence)
    return list(found.values())


def _said(sentences: Iterable[Sentence], wanted: Callable[[Sentence], object]) -> list[str]:
    return [_short(sentence.text) for sentence in _matching(sentences, wanted)]


def _with_name(sentence: Sentence) -> str:
    name = _name(sentence.speaker)
    return _short(f"{name}: {sentence.text}" if name != "Unknown" else sentence.text)


def _name(member: Member) -> str:
    if member.name or member.side is Side.UNKNOWN:
        return member.name or next(iter(member.labels), "Unknown")
    return member.side.value.capitalize()


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rsplit(' ', 1)[0]}\u2026"


def _unique(texts: Iterable[str]) -> list[str]:
    return list({text.lower(): text for text in reversed(list(texts))}.values())[::-1]


def _person(member: Member) -> Person:
    return Person(name=member.name or "", organization=member.organization, role=member.role)
