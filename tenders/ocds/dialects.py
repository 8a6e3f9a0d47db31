"""How publishers differ in what they mean by the same fields, known by the prefix of their ids."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Dialect:
    """One publisher's habits.

    source: the id of the source that this publisher's tenders belong to.
    zone: where its clocks hang, if it writes local times and marks them as UTC.
    extended: whether the tender itself has category, province, contactPerson and briefingSession.
    """

    source: str
    zone: ZoneInfo | None = None
    extended: bool = False


FILE = "file"
GENERAL = Dialect(FILE)
_BY_PREFIX = {
    "ocds-9t57fa": Dialect("za-etenders", ZoneInfo("Africa/Johannesburg"), extended=True),
    "ocds-h6vhtk": Dialect("uk-find-a-tender"),
    "ocds-b5fd17": Dialect("uk-contracts-finder"),
}
_PREFIX = 11


def of(ocid: str) -> Dialect:
    """Return the dialect of the publisher whose ids begin like this one."""
    return _BY_PREFIX.get(ocid[:_PREFIX], GENERAL)


def zone_of(source: str) -> ZoneInfo:
    """Return where the clocks of a source hang, for showing times as its readers know them."""
    if source.startswith("uk-"):
        return ZoneInfo("Europe/London")
    zones = (dialect.zone for dialect in _BY_PREFIX.values() if dialect.source == source)
    return next(filter(None, zones), None) or ZoneInfo("UTC")
