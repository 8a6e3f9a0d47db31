"""What a sales call tells, in eleven areas: the shape that every parser's answer is validated into."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    model_validator,
)

from transcripts.formats.base import clean

UNKNOWN = "Unknown"
_NOTHING = frozenset(
    {"", "n/a", "na", "none", "null", "nil", "-", "unknown", "not specified", "not mentioned", "not provided"}
)


class ClassifiedRole(StrEnum):
    """What part a person plays in the customer's decision."""

    DECISION_MAKER = "decision_maker"
    INFLUENCER = "influencer"
    CHAMPION = "champion"
    BLOCKER = "blocker"
    END_USER = "end_user"
    UNKNOWN = "unknown"


# How models word what we store as one word; compared in small letters, with spaces for underscores.
ROLE_WORDS = {
    ClassifiedRole.DECISION_MAKER: (
        "decision maker",
        "decisionmaker",
        "economic buyer",
        "approver",
        "executive sponsor",
    ),
    ClassifiedRole.INFLUENCER: (
        "influencer",
        "technical buyer",
        "evaluator",
        "recommender",
        "gatekeeper",
        "stakeholder",
    ),
    ClassifiedRole.CHAMPION: ("champion", "advocate", "coach", "sponsor", "supporter"),
    ClassifiedRole.BLOCKER: ("blocker", "detractor", "opponent", "skeptic"),
    ClassifiedRole.END_USER: ("end user", "enduser", "user"),
}
SENTIMENT_WORDS = {
    "mixed": ("mixed", "ambivalent", "both"),
    "negative": ("negative", "bad", "poor", "unfavorable", "unfavourable", "critical", "concerned"),
    "positive": ("positive", "good", "great", "favorable", "favourable", "optimistic"),
    "neutral": ("neutral", "balanced", "indifferent"),
}
MOMENTUM_WORDS = {
    "stalled": ("stall", "stuck", "losing", "declin", "backward", "slow", "negative", "decreas", "low"),
    "forward": ("forward", "accelerat", "gain", "strong", "build", "positive", "increas", "high", "advanc", "progress"),
    "steady": ("steady", "stable", "neutral", "maintain", "flat", "moderate", "medium", "unchanged"),
}
ENTHUSIASM_WORDS = {
    "low": ("low", "little", "weak", "unenthusiastic", "none", "minimal"),
    "high": ("high", "strong", "very", "excited", "enthusiastic"),
    "medium": ("medium", "moderate", "some", "neutral", "average"),
}


def _one_of(words: Mapping[Any, Sequence[str]], value: object) -> str:
    """The stored word that this wording means, `unknown` if none."""
    said = _text(value).lower().replace("_", " ").replace("-", " ")
    for stored in words:
        if said == str(stored).replace("_", " "):
            return str(stored)
    return next((str(stored) for stored, known in words.items() if any(word in said for word in known)), "unknown")


def _text(value: object) -> str:
    """Words out of whatever stands where words should be; nothing for lists and objects without any."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, Mapping):
        return "; ".join(filter(None, (_text(part) for part in value.values())))
    if isinstance(value, list | tuple):
        return "; ".join(filter(None, (_text(part) for part in value)))
    return clean(str(value)).strip()


def _texts(value: object) -> list[str]:
    """A list of words; a single value becomes a list of one, what says nothing is left out."""
    values = value if isinstance(value, list | tuple) else [value]
    texts = (_text(item) for item in values)
    return [text for text in texts if text.lower().rstrip(".") not in _NOTHING]


def _known(value: object) -> str:
    text = _text(value)
    return UNKNOWN if text.lower().rstrip(".") in _NOTHING else text


def _fact(value: object) -> str:
    text = _text(value)
    return "" if text.lower().rstrip(".") in _NOTHING else text


def _records(value: object) -> list[object]:
    """A list of objects; a single object becomes a list of one."""
    values = value if isinstance(value, list | tuple) else [value]
    return [item for item in values if item is not None and item != ""]


def _named(key: str, value: object) -> list[object]:
    """The objects that have a name under this key; a bare text is the name itself. Already built models pass."""
    items = [{key: item} if isinstance(item, str) else item for item in _records(value)]
    return [
        item for item in items if isinstance(item, BaseModel) or (isinstance(item, Mapping) and _fact(item.get(key)))
    ]


Text = Annotated[str, BeforeValidator(_fact)]
KnownText = Annotated[str, BeforeValidator(_known)]
Texts = Annotated[list[str], BeforeValidator(_texts)]
Sentiment = Annotated[str, BeforeValidator(lambda value: _one_of(SENTIMENT_WORDS, value))]


class Area(BaseModel):
    """An object of the answer: keys that we do not know are ignored, missing ones are empty."""

    model_config = ConfigDict(extra="ignore")


class Person(Area):
    """Somebody who spoke or was named; who they are to the deal is `unknown` until classified."""

    name: Text = Field(min_length=1)
    organization: KnownText = UNKNOWN
    role: KnownText = UNKNOWN
    classified_role: Annotated[ClassifiedRole, BeforeValidator(lambda value: _one_of(ROLE_WORDS, value))] = (
        ClassifiedRole.UNKNOWN
    )


class CompetitionMention(Area):
    """A competitor that was named, and how."""

    competitor: Text = Field(min_length=1)
    context: Text = ""
    sentiment: Sentiment = "unknown"


class DecisionProcess(Area):
    """How the customer will decide."""

    timeline: Text = ""
    stakeholders: Texts = []
    budget_context: Text = ""
    approval_steps: Texts = []


class CallSentiment(Area):
    """The mood of the call, each in one word or `unknown`."""

    overall: Sentiment = "unknown"
    momentum: Annotated[str, BeforeValidator(lambda value: _one_of(MOMENTUM_WORDS, value))] = "unknown"
    enthusiasm: Annotated[str, BeforeValidator(lambda value: _one_of(ENTHUSIASM_WORDS, value))] = "unknown"


def _object(value: object) -> object:
    """An answer may have null, or a list of one, where an object belongs."""
    if isinstance(value, list | tuple):
        value = next(iter(value), None)
    return value if isinstance(value, Mapping | BaseModel) else {}


def _mood(value: object) -> object:
    return {"overall": value} if isinstance(value, str) else _object(value)


class Insights(Area):
    """All areas of one call. Validation is forgiving: people without a name are dropped and counted."""

    LISTS: ClassVar[tuple[str, ...]] = (
        "pain_points", "goals", "people", "next_steps", "why_and_why_now", "quantifiable_metrics", "key_quotes",
        "objections", "competition_mentions",
    )  # fmt: skip

    pain_points: Texts = []
    goals: Texts = []
    people: Annotated[list[Person], BeforeValidator(lambda value: _named("name", value))] = []
    next_steps: Texts = []
    why_and_why_now: Texts = []
    quantifiable_metrics: Texts = []
    key_quotes: Texts = []
    objections: Texts = []
    competition_mentions: Annotated[
        list[CompetitionMention], BeforeValidator(lambda value: _named("competitor", value))
    ] = []
    decision_process: Annotated[DecisionProcess, BeforeValidator(_object)] = DecisionProcess()
    call_sentiment: Annotated[CallSentiment, BeforeValidator(_mood)] = CallSentiment()

    _dropped_people: int = PrivateAttr(0)

    @model_validator(mode="wrap")
    @classmethod
    def _count_the_nameless(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        insights = handler(data)
        if isinstance(data, Mapping):
            insights._dropped_people = len(_records(data.get("people"))) - len(insights.people)
        return insights

    @property
    def dropped_people(self) -> int:
        """How many entries of the answer's list of people had no name."""
        return self._dropped_people

    def to_json(self) -> dict[str, Any]:
        """The insights as plain JSON values, always with the same keys in the same order."""
        return self.model_dump(mode="json")

    def counts(self) -> dict[str, int]:
        """How much each area holds; the facts of the last two areas count one each."""
        process, mood = self.decision_process, self.call_sentiment
        facts = [process.timeline, process.budget_context, *process.stakeholders, *process.approval_steps]
        moods = (mood.overall, mood.momentum, mood.enthusiasm)
        return {area: len(getattr(self, area)) for area in self.LISTS} | {
            "decision_process": sum(1 for fact in facts if fact),
            "call_sentiment": sum(1 for word in moods if word != "unknown"),
        }

    def classified(self, roles: Sequence[ClassifiedRole]) -> Self:
        """These insights with the roles of their people, in their order; `unknown` replaces no known role."""
        people = [
            person if role == ClassifiedRole.UNKNOWN else person.model_copy(update={"classified_role": role})
            for person, role in zip(self.people, roles, strict=True)
        ]
        return self.model_copy(update={"people": people})
