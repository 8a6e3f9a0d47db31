"""Ids that carry their time: from a moment to the ids after it, and from what a person typed to an id."""

from datetime import UTC, datetime
from uuid import UUID


def first_of(moment: datetime) -> UUID:
    """Return the lowest id that can have been made at this moment; ids are version 7, so they sort by time."""
    # Times before 1970 are before every id; the bits end in the year 10889.
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def moment_of(made: UUID) -> datetime:
    """Return when an id was made."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)


def read(text: str) -> UUID | None:
    """Return the id that a text is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None
