"""What GitHub's answers are made of: text that the database can take, times, counts; and how an answer is read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from pulls.github.errors import GitHubUnavailable

T = TypeVar("T", bound="Shape")


def _text(value: Any) -> str:
    """Return text without NUL and lone surrogates, which PostgreSQL refuses; null is empty."""
    return "" if value is None else str(value).replace("\0", "").encode("utf-8", "replace").decode()


def _zoned(value: Any) -> Any:
    found = TypeAdapter(datetime | None).validate_python(value)
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


Text = Annotated[str, BeforeValidator(_text)]
Moment = Annotated[datetime, BeforeValidator(_zoned)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Shape(BaseModel):
    """An object of GitHub's. What it says besides is not needed."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def one(kind: type[T], data: Any) -> T:
    """Return an answer as a value; raises GitHubUnavailable, naming what is missing."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise _unusable(error) from None


def many(kind: type[T], data: Any) -> list[T]:
    """Return a page of answers; one that cannot be read fails the page, because it would be missing for good."""
    if not isinstance(data, list):
        raise GitHubUnavailable(f"GitHub sent {type(data).__name__} where a list was expected.")
    return [one(kind, each) for each in data]


def _unusable(error: ValidationError) -> GitHubUnavailable:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "the answer"
    return GitHubUnavailable(f"GitHub sent an answer that cannot be used: {place}: {first['msg']}.")
