"""What a model is asked to answer, as schemas; reading them forgives what models like to get slightly wrong."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from clients.models.fields import LONGEST
from jobs.serialize import visible


def _line(value: Any) -> str:
    """One line of text from whatever stands there: nothing for null, the parts of a list with commas."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(_line, value)))
    if isinstance(value, dict):
        return ", ".join(filter(None, map(_line, value.values())))
    return " ".join(visible(str(value)).split())


def _short(value: Any) -> str:
    return _line(value)[:LONGEST]


def _listed(value: Any) -> list[str]:
    """A list of short lines: one value is a list of one, what is missing an empty list."""
    several = value if isinstance(value, list | tuple) else [value]
    return list(dict.fromkeys(filter(None, map(_short, several))))


def _focus(value: Any) -> str:
    word = _line(value).lower()
    return word if word in ("global", "regional", "local") else ""


Text = Annotated[str, BeforeValidator(_short)]
Words = Annotated[str, BeforeValidator(_line)]
Lines = Annotated[list[str], BeforeValidator(_listed)]


class Answer(BaseModel):
    """An object that must have at least one of its fields; the others are taken as empty."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not given.keys() & cls.model_fields.keys():
            raise ValueError("it has none of the fields that were asked for")
        return {name: given.get(name) for name in cls.model_fields}


class Rival(Answer):
    """A competitor."""

    name: Text
    domain: Text


def _rivals(value: Any) -> list[Any]:
    several = value if isinstance(value, list | tuple) else [value] if value else []
    # Some answer with names alone; without a domain they are reported, not lost.
    return [{"name": one, "domain": ""} if isinstance(one, str) else one for one in several]


class Enrichment(Answer):
    """A client as the model sees it; what it does not know is empty."""

    industry_primary: Text
    industry_secondary: Text
    sub_industry: Text
    business_model: Text
    geographic_focus: Annotated[Literal["global", "regional", "local", ""], BeforeValidator(_focus)]
    target_audience: Lines
    key_products: Lines
    unique_selling_props: Lines
    geographic_regions: Lines
    brand_voice: Lines
    customer_problems: Lines
    use_cases: Lines
    industry_terminology: Lines
    regulatory_considerations: Lines
    competitors: Annotated[list[Rival], BeforeValidator(_rivals)]


class AskedQuery(Answer):
    """A question people ask, and what they want by it."""

    text: Words
    intent: Text


class Queries(Answer):
    """Questions for one keyword."""

    queries: list[AskedQuery]


class PlannedSection(Answer):
    """A section that a brief will have."""

    heading: Text
    purpose: Words


class Outline(Answer):
    """The sections of a brief, in their order."""

    sections: list[PlannedSection] = Field(min_length=1)


class Section(Answer):
    """One written section of a brief."""

    summary: Words
    points: Lines

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.summary and not self.points:
            raise ValueError("the section is empty")
        return self
