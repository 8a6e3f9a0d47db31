"""What the events of tender jobs may say, checked before anything is done with it."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from jobs.errors import NonRetriableError
from tenders import sources
from tenders.ocds import dialects

MOST_DAYS = 3660
MOST_ENRICHED = 5000
EARLIEST_YEAR, LATEST_YEAR = 1990, 2100


class BadRequest(NonRetriableError):
    """The event asks for something that is not possible."""


def _known_source(value: str) -> str:
    sources.get(value)
    return value


def _parsed(value: Any) -> date | datetime | None:
    """Ten characters are a day, anything longer a point in time."""
    if value is None or isinstance(value, date):
        return value
    try:
        found = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("no date") from None
    if not EARLIEST_YEAR <= found.year <= LATEST_YEAR:
        raise ValueError("no date")
    return found


Day = Annotated[date | datetime, BeforeValidator(_parsed)]
SourceId = Annotated[str, AfterValidator(_known_source)]


class Asked(BaseModel):
    """What every tender event may carry. Unknown keys do no harm."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, coerce_numbers_to_str=True)

    triggered_by: str = Field("event", alias="triggeredBy", max_length=100)
    admin_user: int | None = Field(None, alias="adminUserId")
    max_enrichment: int = Field(100, alias="maxEnrichment", ge=0, le=MOST_ENRICHED)


class Span(Asked):
    """A request for a span of days, both ends included."""

    source: SourceId
    from_date: Day | None = Field(None, alias="fromDate")
    to_date: Day | None = Field(None, alias="toDate")

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """Refuse a span that ends before it begins, or has no end in sight."""
        start, until = self.start, self.until
        if until is not None and start is None:
            raise ValueError("toDate needs a fromDate")
        if start is not None and (until or datetime.now(UTC)) <= start:
            raise ValueError(f"fromDate {self.from_date} is not before toDate {self.to_date or 'now'}")
        if start is not None and (until or datetime.now(UTC)) - start > timedelta(days=MOST_DAYS):
            raise ValueError("Ten years at once are the most")
        return self

    @property
    def start(self) -> datetime | None:
        """The first moment; a day begins at midnight of the source."""
        return _moment(self.from_date, self.source)

    @property
    def until(self) -> datetime | None:
        """The moment behind the last; a day is asked for whole."""
        if self.to_date is None:
            return None
        whole = timedelta() if isinstance(self.to_date, datetime) else timedelta(days=1)
        return _moment(self.to_date, self.source) + whole


class SyncRequest(Span):
    """`tender/sync.requested`."""

    require_enrichment: bool = Field(False, alias="requireEnrichment")


class BackfillRequest(Span):
    """`tender/enrich-backfill.requested`; without `fetch` only what is stored already is enriched."""

    source: SourceId = "za-etenders"
    from_date: Day = Field(alias="fromDate")
    to_date: Day = Field(alias="toDate")
    max_enrichment: int = Field(1000, alias="maxEnrichment", ge=0, le=MOST_ENRICHED)
    fetch: bool = True


class EnrichTodayRequest(Asked):
    """`tender/enrich-today.requested`; `rateLimit` is in milliseconds."""

    source: SourceId = "za-etenders"
    rate_limit: int = Field(300, alias="rateLimit", ge=0, le=60_000)


class EnrichRequest(BaseModel):
    """`tender/enrich.requested`."""

    model_config = ConfigDict(extra="ignore")

    ocid: str = Field(min_length=1, max_length=200)
    force: bool = False
    log: int | None = None


def read(kind: type[BaseModel], data: Any) -> Any:
    """Return the request; raises BadRequest, naming the field and what is wrong with it."""
    try:
        return kind.model_validate(dict(data))
    except ValidationError as error:
        raise BadRequest(" ".join(_in_words(each) for each in error.errors()[:3])) from None


def _in_words(error: Any) -> str:
    place = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "missing":
        return f"The event has no {place}."
    said = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    if place in ("fromDate", "toDate"):
        return f"{place} is “{str(error['input'])[:40]}”, which is no date; write it as 2026-08-14."
    return f"{place}: {said}." if place else f"{said}."


def _moment(value: date | datetime | None, source: str) -> datetime | None:
    if value is None:
        return None
    zone = dialects.zone_of(source)
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC)
    return datetime.combine(value, time(), zone).astimezone(UTC)
