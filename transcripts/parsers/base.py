"""The interface of the parsers: text in, insights out, with the raw answer beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from transcripts.insights import ClassifiedRole, Insights, Person


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a parser found: the validated insights, its answer as it came, and who it was."""

    insights: Insights
    raw: str
    parsed_by: str
    model: str | None = None

    @property
    def dropped_people(self) -> int:
        """How many people of the answer had no name and were left out."""
        return self.insights.dropped_people

    def to_json(self) -> dict[str, Any]:
        """The result as a step of a run keeps it."""
        return {
            "insights": self.insights.to_json(),
            "raw": self.raw,
            "parsed_by": self.parsed_by,
            "model": self.model,
            "dropped_people": self.dropped_people,
        }


class Parser(Protocol):
    """Turns the text of a call, lines of `[mm:ss] Name: text`, into insights."""

    def parse(self, text: str) -> Parsed:
        """The insights of the call; raises when there are none to be had, so that a retry asks again."""
        ...

    def classify(self, people: Sequence[Person], text: str) -> list[ClassifiedRole]:
        """The part that each of these people plays in the decision, in their order."""
        ...
