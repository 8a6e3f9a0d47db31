"""The events of captures: what they may say, checked in words, and how they are made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

import jobs
from jobs.errors import NonRetriableError
from pulls.models import JobType, Level

DETAILS = "capture/pr.details"
REVIEWS = "capture/pr.reviews"
COMMENTS = "capture/pr.comments"
SYNC = "capture/repository.sync"
COMPLETED = "capture/batch.completed"
NAMES = {JobType.DETAILS: DETAILS, JobType.REVIEWS: REVIEWS, JobType.COMMENTS: COMMENTS}
MOST_DAYS = 3660
MANUAL = "manual"
_LARGEST = 2**63 - 1
T = TypeVar("T", bound="Asked")


class BadRequest(NonRetriableError):
    """The event asks for something that is not possible."""


class Asked(BaseModel):
    """What every event of the product carries. Unknown keys do no harm."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    repository: int = Field(alias="repositoryId", ge=1, le=_LARGEST)
    priority: Level = Level.MEDIUM

    @field_validator("repository", mode="before")
    @classmethod
    def _an_id(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(
                f"“{str(value)[:80]}” is no id; send the number of the repository in Stepwell, which its page shows, "
                "or use Quick fix, which takes owner/repo"
            )
        return value


class Capture(Asked):
    """`capture/pr.details`, `.reviews` and `.comments`. batch: the fan-out it belongs to."""

    number: int = Field(alias="prNumber", ge=1, le=2**31 - 1, strict=True)
    batch: int | None = None


class Cursor(BaseModel):
    """Where a sync that was too long for one run goes on."""

    next: str
    page: int
    span: dict[str, Any]
    first: dict[str, Any]
    origin: str


class Sync(Asked):
    """`capture/repository.sync`; days: how far back, by GitHub's updated_at."""

    days: int = Field(7, ge=1, le=MOST_DAYS, strict=True)
    reason: str = Field("", max_length=100)
    cursor: Cursor | None = None


def read(kind: type[T], data: Any) -> T:
    """Return what an event asks for; raises BadRequest, naming the field and what is wrong with it."""
    try:
        return kind.model_validate(dict(data))
    except ValidationError as error:
        raise BadRequest(" ".join(_in_words(each) for each in error.errors()[:3])) from None


def _in_words(error: Any) -> str:
    place = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "missing":
        return f"The event has no {place}."
    said = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{place}: {said}." if place else f"{said}."


def capture(
    kind: JobType, repository: int, number: int, priority: str, *, event_id: str, batch: int | None = None
) -> Any:
    """Return the event that has one pull request's details, reviews or comments captured."""
    data = {"repositoryId": repository, "prNumber": number, "priority": priority}
    return jobs.Event(name=NAMES[kind], data=data | ({"batch": batch} if batch else {}), id=event_id)


def sync(repository: int, *, days: int, priority: str, reason: Literal["manual"] | str, event_id: str = "") -> Any:
    """Return the event that has a repository synced."""
    data = {"repositoryId": repository, "days": days, "priority": priority, "reason": reason}
    return jobs.Event(name=SYNC, data=data, id=event_id)


def completed(repository: int, kind: str, success: int, failure: int, total: int, batch: int) -> Any:
    """Return the event that tells the end of a fan-out."""
    counts = {"successCount": success, "failureCount": failure, "totalCount": total}
    data = {"repositoryId": repository, "jobType": kind, **counts, "batch": batch}
    return jobs.Event(name=COMPLETED, data=data, id=f"batch-{batch}-completed")


def in_portions(events: Iterable[Any], size: int = 1000) -> list[list[Any]]:
    """Return events in portions that one send takes."""
    each = list(events)
    return [each[start : start + size] for start in range(0, len(each), size)]
