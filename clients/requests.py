"""What the events of the product may say, checked before anything is done with it."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from clients.models import ClientUser, Query
from jobs.errors import NonRetriableError
from jobs.serialize import visible

MOST_KEYWORDS = 50
Shape = TypeVar("Shape", bound=BaseModel)


class BadRequest(NonRetriableError):
    """The event asks for something that is not possible."""


def lines(value: Any) -> list[str]:
    """Return short lines, each once, whatever their capitals; one text counts as a list of one."""
    several = value if isinstance(value, list | tuple) else [] if value is None else [value]
    texts = (" ".join(visible(str(each)).split())[:200] for each in several)
    found: dict[str, str] = {}
    for text in filter(None, texts):
        found.setdefault(text.casefold(), text)
    return list(found.values())


Lines = Annotated[list[str], BeforeValidator(lines)]
Line = Annotated[str, BeforeValidator(lambda value: " ".join(visible(str(value or "")).split()))]


class Asked(BaseModel):
    """Unknown keys do no harm."""

    model_config = ConfigDict(extra="ignore")


class QueriesRequest(Asked):
    """`client/queries.requested`."""

    client_id: int = Field(ge=1)
    keywords: Lines = Field(min_length=1, max_length=MOST_KEYWORDS)
    count: int = Field(3, ge=1, le=20)
    intents: list[Query.Intent] = []


class BriefRequest(Asked):
    """`client/brief.requested`: a stored brief's id, or what to store."""

    brief_id: int | None = Field(None, ge=1)
    client_id: int | None = Field(None, ge=1)
    title: Line = Field("", max_length=200)
    keywords: Lines = Field([], max_length=MOST_KEYWORDS)
    purpose: Line = Field("", max_length=2000)
    audience: Line = Field("", max_length=2000)
    platforms: Lines = Field([], max_length=20)


class UserRequest(Asked):
    """`client/user.requested`. `resend`: mail the invitation once more."""

    client_id: int = Field(ge=1)
    email: Line = Field(max_length=150, pattern=r"^[^@\s<>,;:\"]+@[^@\s<>,;:\"]+\.[^@\s<>,;:\"]+$")
    first_name: Line = Field("", max_length=150)
    last_name: Line = Field("", max_length=150)
    role: ClientUser.Role = ClientUser.Role.VIEWER
    resend: bool = False


def read(shape: type[Shape], data: Any) -> Shape:
    """Return what an event says; raises BadRequest, naming the first key that makes no sense and its value."""
    try:
        return shape.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        given = "" if first["type"] == "missing" else f" (it is {str(first['input'])[:100]!r})"
        raise BadRequest(f"The event's {key} makes no sense{given}: {first['msg']}.") from None
