"""The UK's Find a Tender: windows of six hours, and links to the next page that are followed word for word."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from tenders.ocds import package
from tenders.sources.base import Page, Place, Source, next_link, releases_of
from tenders.sources.http import Portal


class FindATender(Source):
    """About 12 requests in two minutes; 429 and 503 say in plain text how long to wait.

    `stages=` is never sent: it drops releases.
    """

    id = "uk-find-a-tender"
    name = "UK Find a Tender"
    country = "United Kingdom"
    window = timedelta(hours=6)
    overlap = timedelta(hours=2)
    page_size = 100

    @property
    def portal(self) -> Portal:
        """Whom to ask."""
        return Portal(self.name, settings.TENDERS_TIMEOUT)

    @property
    def interval(self) -> float:  # type: ignore[override]
        """The least seconds between two requests."""
        return settings.TENDERS_FTS_INTERVAL

    def fetch(self, place: Place) -> Page:
        """Return the page behind a link, or the first of a window."""
        address = f"{settings.TENDERS_FTS_URL}/api/1.0/ocdsReleasePackages"
        span = {"updatedFrom": stamp(place.start), "updatedTo": stamp(place.end), "limit": self.page_size}
        answer = self.portal.get_json(place.url or address, None if place.url else span)
        releases = releases_of(answer, self.portal)
        link = next_link(answer, address)
        after = place.model_copy(update={"url": link}) if link and releases else self.next_window(place)
        return Page(releases, package.described(answer), after, self.page_size)

    def check_health(self) -> None:
        """Ask for one release of the last hour."""
        since = datetime.now(UTC) - timedelta(hours=1)
        address = f"{settings.TENDERS_FTS_URL}/api/1.0/ocdsReleasePackages"
        self.portal.get_json(address, {"updatedFrom": stamp(since), "limit": 1})


def stamp(moment: datetime) -> str:
    """Write a point in time as both British portals want it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
