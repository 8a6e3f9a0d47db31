"""The mood of a call by word lists: overall, momentum and enthusiasm, and the tone of a single sentence."""

import re
from collections.abc import Iterable, Sequence

from transcripts.insights import CallSentiment
from transcripts.parsers.speech import Sentence

_GLAD = (
    "accurate agreed amazing appreciate awesome beautiful best better brilliant clear delighted easy"
    " excellent excited exciting fantastic"
    " glad good great happy helpful impressed impressive interesting like love loved nice perfect"
    " pleased pleasure positive slick smart"
    " solid strong super thanks thorough useful wonderful works yes"
)
_SORRY = (
    "angry annoyed annoying awful bad broken complicated concern concerned concerns confusing costly"
    " difficult disappointed disappointing"
    " drowning expensive fail failed failing frustrated frustrating haphazard hard hate impossible"
    " issue lack lost mess missing pain"
    " painful poor problem problems risk risky slow struggle struggling stuck terrible unacceptable"
    " unclear unhappy unfortunately waste"
    " wasted weak worried worry worse worst wrong"
)
_EAGER = re.compile(
    r"\b(?:love|amazing|awesome|impressive|exciting|excited|fantastic|perfect|brilliant|slick|wow"
    r"|can['\u2019]t wait|exactly what we need)\b",
    re.IGNORECASE,
)
_STOPPING = re.compile(
    r"\b(?:on hold|not (?:now|this year)|next year maybe|circle back (?:next|in)|no budget"
    r"|budget freeze|not interested|we['\u2019]ll pass|put .{0,20}off)\b",
    re.IGNORECASE,
)
GLAD, SORRY = frozenset(_GLAD.split()), frozenset(_SORRY.split())
_NOT = frozenset({"not", "no", "never", "isn't", "don't", "doesn't", "won't", "can't", "hardly", "without"})
_WORD = re.compile(r"[a-z]+(?:['\u2019][a-z]+)?")
# Below this many telling words the mood is not known.
_ENOUGH = 3


def balance(text: str) -> tuple[int, int]:
    """How many glad and how many sorry words; a `not` shortly before turns a word around."""
    glad = sorry = 0
    words = [word.replace("\u2019", "'") for word in _WORD.findall(text.lower())]
    for position, word in enumerate(words):
        if word not in GLAD and word not in SORRY:
            continue
        turned = not _NOT.isdisjoint(words[max(0, position - 2) : position])
        if (word in GLAD) != turned:
            glad += 1
        else:
            sorry += 1
    return glad, sorry


def tone_of(text: str) -> str:
    """The tone of one sentence, `neutral` when nothing tells."""
    glad, sorry = balance(text)
    if glad and sorry:
        return "mixed"
    return "positive" if glad else "negative" if sorry else "neutral"


def mood(sentences: Iterable[Sentence], next_steps: Sequence[str], dated: int) -> CallSentiment:
    """The mood of the customer's words; momentum comes from what was agreed, and how much of it has a date."""
    heard = list(sentences)
    glad = sorry = eager = 0
    for sentence in heard:
        more_glad, more_sorry = balance(sentence.text)
        glad, sorry = glad + more_glad, sorry + more_sorry
        eager += len(_EAGER.findall(sentence.text)) + (sentence.text.endswith("!") and bool(more_glad))
    stopping = any(_STOPPING.search(sentence.text) for sentence in heard)
    return CallSentiment(
        overall=_overall(glad, sorry),
        momentum=_momentum(len(next_steps), dated, stopping=stopping),
        enthusiasm=_enthusiasm(glad, sorry, eager, len(heard)),
    )


def _overall(glad: int, sorry: int) -> str:
    if glad + sorry < _ENOUGH:
        return "unknown"
    if glad >= 2 * sorry:
        return "positive"
    return "negative" if sorry >= 2 * glad else "mixed"


def _momentum(steps: int, dated: int, *, stopping: bool) -> str:
    if stopping and dated < 2:
        return "stalled"
    if dated and steps > 1:
        return "forward"
    return "steady" if steps else "unknown"


def _enthusiasm(glad: int, sorry: int, eager: int, sentences: int) -> str:
    if glad + sorry < _ENOUGH:
        return "unknown"
    if eager >= 3 and sentences > 12 and eager * 25 >= sentences and glad > sorry:
        return "high"
    return "medium" if glad > sorry else "low"
