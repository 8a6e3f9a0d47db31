"""The look-up at South Africa's portal site: one question for a tender's number, rows as its page shows them."""

from datetime import datetime
from typing import Any

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tenders.ocds import values
from tenders.ocds.dialects import of
from tenders.sources.http import Portal, PortalUnavailable

ADDRESS = "/Home/PaginatedTenderOpportunities"
MOST_ROWS = 200
ZONE = of("ocds-9t57fa").zone


class Document(BaseModel):
    """A file of a row."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field("", alias="supportDocumentID")
    name: str = Field("", alias="fileName")
    extension: str = ""
    active: bool | None = True


class Row(BaseModel):
    """One tender as the portal's own list has it. Everything but the number may be missing."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    id: str = ""
    number: str = Field(alias="tender_No")
    description: str = ""
    category: str = ""
    type: str = ""
    buyer: str = Field("", alias="organ_of_State")
    province: str = ""
    town: str = ""
    delivery: str = ""
    conditions: str = ""
    contact_name: str = Field("", alias="contactPerson")
    email: str = ""
    telephone: str = ""
    has_briefing: bool | None = Field(None, alias="briefingSession")
    briefing_compulsory: bool | None = Field(None, alias="briefingCompulsory")
    briefing_at: str = Field("", alias="compulsory_briefing_session")
    briefing_venue: str = Field("", alias="briefingVenue")
    e_submission: bool | None = Field(None, alias="eSubmission")
    documents: list[Document] = Field(default_factory=list, alias="supportDocument")

    @field_validator("*", mode="before")
    @classmethod
    def nothing_is_empty(cls, value: Any, info: Any) -> Any:
        """A null is an empty text or list; for a yes or no it stays unknown."""
        if value is not None:
            return value
        return cls.model_fields[info.field_name].get_default(call_default_factory=True)

    def briefed_at(self) -> datetime | None:
        """Return when the briefing is; the portal writes local time without a zone."""
        try:
            return values.moment(self.briefing_at, ZONE)
        except values.BadValue:
            return None

    def files(self) -> list[dict[str, str]]:
        """Return the documents as a tender has them."""
        base = f"{settings.TENDERS_ZA_PORTAL_URL}/home/Download?blobName="
        return [
            {
                "title": values.line(document.name, 200) or "Document",
                "url": f"{base}{document.id}{document.extension}",
                "format": document.extension.lstrip(".")[:40],
            }
            for document in self.documents
            if document.id and document.active is not False
        ]


def rows_for(number: str) -> list[Row]:
    """Ask the portal for a tender's number; a row that cannot be read is left out.

    Raises PortalUnavailable, PortalRefused or RetryAfterError.
    """
    portal = Portal("The eTenders portal", settings.TENDERS_TIMEOUT)
    params = {"draw": 1, "start": 0, "length": MOST_ROWS, "search[value]": number}
    answer = portal.get_json(f"{settings.TENDERS_ZA_PORTAL_URL}{ADDRESS}", params)
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise PortalUnavailable("The eTenders portal sent an answer without a list “data”.")
    return [row for row in map(_row, rows) if row is not None]


def _row(data: Any) -> Row | None:
    try:
        return Row.model_validate(data)
    except ValidationError:
        return None
