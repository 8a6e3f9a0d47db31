"""South Africa's eTenders: slow and fragile, whole days only, pages by number."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from tenders.ocds import package
from tenders.sources.base import Page, Place, Source, releases_of
from tenders.sources.http import Portal, PortalUnavailable

ZONE = ZoneInfo("Africa/Johannesburg")
LEAST_SIZE = 8
# Each smaller page is another request to a portal that may just have taken two minutes to fail.
MOST_TRIES = 4


class SmallerPageNeeded(PortalUnavailable):
    """The portal failed at every size that was tried; `size` is what to begin with next time."""

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


class ZaEtenders(Source):
    """Days from 00:00 to 24:00 in Johannesburg. The page size halves when the portal fails, and grows back."""

    id = "za-etenders"
    name = "South Africa eTenders"
    country = "South Africa"
    window = timedelta(days=1)
    # A release is dated by its day alone, so the day before may still be growing.
    overlap = timedelta(days=1)
    looks_up = True

    @property
    def portal(self) -> Portal:
        """Whom to ask."""
        return Portal(self.name, settings.TENDERS_TIMEOUT)

    @property
    def interval(self) -> float:  # type: ignore[override]
        """The least seconds between two requests."""
        return settings.TENDERS_ZA_INTERVAL

    @property
    def page_size(self) -> int:  # type: ignore[override]
        """What is asked for while the portal copes."""
        return settings.TENDERS_ZA_PAGE_SIZE

    def first(self, start: datetime, until: datetime) -> Place:
        """Begin with a whole day and end with one."""
        day = datetime.combine(start.astimezone(ZONE).date(), time(), ZONE)
        last = datetime.combine(until.astimezone(ZONE).date(), time(), ZONE)
        end = last if last >= until else last + timedelta(days=1)
        return super().first(day, max(end, day + timedelta(days=1)))

    def fetch(self, place: Place) -> Page:
        """Return a page, a smaller one if the portal fails at this size."""
        size = place.size or self.page_size
        for last_try in (*([False] * (MOST_TRIES - 1)), True):
            try:
                return self._page(place, self._ask(place, size), size)
            except PortalUnavailable as error:
                smaller = self._smaller(place, size)
                if last_try or smaller == size:
                    raise SmallerPageNeeded(str(error), smaller) from None
                size = smaller
        raise AssertionError("unreachable")

    def check_health(self) -> None:
        """Ask for one release of today."""
        today = datetime.now(ZONE)
        self._ask(Place(start=today, end=today, until=today), 1)

    def _ask(self, place: Place, size: int) -> Any:
        day = place.start.astimezone(ZONE).date().isoformat()
        number = place.offset // size + 1
        params = {"PageNumber": number, "PageSize": size, "dateFrom": day, "dateTo": day}
        answer = self.portal.get_json(f"{settings.TENDERS_ZA_URL}/api/OCDSReleases", params)
        releases_of(answer, self.portal)
        return answer

    def _smaller(self, place: Place, size: int) -> int:
        """Return half the size, or the same if no page of half the size begins at this place."""
        half = size // 2
        return half if half >= LEAST_SIZE and size % 2 == 0 and place.offset % half == 0 else size

    def _page(self, place: Place, answer: Any, size: int) -> Page:
        releases = answer["releases"]
        links = answer.get("links")
        more = bool(isinstance(links, dict) and links.get("next"))
        if more and 0 < len(releases) < size:
            # It gives less than it is asked for, and says that there is more: from here on its limit is the size.
            size = len(releases)
            place = place.model_copy(update={"limit": size})
        if len(releases) == size or (more and releases):
            offset = place.offset + len(releases)
            after = place.model_copy(update={"offset": offset, "size": self._grown(place, offset, size)})
        else:
            after = self.next_window(place.model_copy(update={"size": self._grown(place, 0, size)}))
        return Page(releases, package.described(answer), after, size)

    def _grown(self, place: Place, offset: int, size: int) -> int:
        twice = size * 2
        return twice if twice <= (place.limit or self.page_size) and offset % twice == 0 else size
