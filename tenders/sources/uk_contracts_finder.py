"""The UK's Contracts Finder: pages of at most 100, and an answer of exactly 100 without a next link is cut short."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from tenders.ocds import package
from tenders.sources.base import Page, Place, Source, next_link, releases_of
from tenders.sources.http import Portal
from tenders.sources.uk_find_a_tender import stamp

LIMIT = 100
SHORTEST = timedelta(seconds=2)
# Its documentation says so: whoever asks too often is blocked for five minutes.
BLOCKED_FOR = timedelta(seconds=300)


class ContractsFinder(Source):
    """A cut answer is kept and its window halved; what comes twice is stored once."""

    id = "uk-contracts-finder"
    name = "UK Contracts Finder"
    country = "United Kingdom"
    window = timedelta(days=1)
    overlap = timedelta(hours=2)
    page_size = LIMIT

    @property
    def portal(self) -> Portal:
        """Whom to ask."""
        return Portal(self.name, settings.TENDERS_TIMEOUT, BLOCKED_FOR)

    @property
    def interval(self) -> float:  # type: ignore[override]
        """The least seconds between two requests."""
        return settings.TENDERS_CF_INTERVAL

    @property
    def _address(self) -> str:
        return f"{settings.TENDERS_CF_URL}/Published/Notices/OCDS/Search"

    def fetch(self, place: Place) -> Page:
        """Return the page behind a link, or the first of a window."""
        span = {"publishedFrom": stamp(place.start), "publishedTo": stamp(place.end), "limit": LIMIT}
        answer = self.portal.get_json(place.url or self._address, None if place.url else span)
        releases = releases_of(answer, self.portal)
        link = next_link(answer, self._address)
        return Page(releases, package.described(answer), self._after(place, releases, link), LIMIT)

    def _after(self, place: Place, releases: list[object], link: str) -> Place | None:
        if link and releases:
            return place.model_copy(update={"url": link})
        if len(releases) == LIMIT and place.end - place.start >= SHORTEST:
            # On whole seconds: the portal is asked with nothing finer, and no moment may fall between the halves.
            middle = (place.start + (place.end - place.start) / 2).replace(microsecond=0)
            halves = {"end": middle, "pending": ((middle, place.end), *place.pending), "url": ""}
            return place.model_copy(update=halves)
        return self.next_window(place)

    def check_health(self) -> None:
        """Ask for one release of the last hour."""
        since = datetime.now(UTC) - timedelta(hours=1)
        self.portal.get_json(self._address, {"publishedFrom": stamp(since), "limit": 1})
