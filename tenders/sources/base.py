"""What every source can do: cut a span of time into windows, and fetch one page at a place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from tenders.ocds import package
from tenders.sources.http import Portal, PortalUnavailable


class Place(BaseModel):
    """Where the next page is; journaled with each page, so that a run goes on exactly there.

    start, end: the window that is being read. until: the end of the whole span. pending: windows that were split off.
    offset or url: how far into the window. size: the page size that is asked for. limit: the most that the portal
    has shown to give, 0 while it gives what it is asked for.
    """

    model_config = ConfigDict(frozen=True)

    start: datetime
    end: datetime
    until: datetime
    pending: tuple[tuple[datetime, datetime], ...] = ()
    offset: int = 0
    url: str = ""
    size: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its releases, who published them, and the place behind it, None after the last."""

    releases: list[Any]
    published: package.Publication
    after: Place | None
    size: int


class Source(ABC):
    """One portal.

    window: the longest span to ask for at once. overlap: what is read again before the cursor, because portals
    publish late. interval: the least seconds between two requests.
    """

    id: str
    name: str
    country: str
    window: timedelta
    overlap: timedelta
    interval: float
    page_size: int
    looks_up = False

    @property
    @abstractmethod
    def portal(self) -> Portal:
        """Whom to ask."""

    @abstractmethod
    def fetch(self, place: Place) -> Page:
        """Return the page at a place; raises what `Portal.get_json` raises."""

    @abstractmethod
    def check_health(self) -> None:
        """Ask for as little as possible; raises like `fetch`."""

    def first(self, start: datetime, until: datetime) -> Place:
        """Return the place where reading a span begins."""
        return Place(start=start, end=min(start + self.window, until), until=until, size=self.page_size)

    def next_window(self, place: Place) -> Place | None:
        """Return the place at the beginning of the next window, None at the end of the span."""
        if place.pending:
            (start, end), *rest = place.pending
            return place.model_copy(update={"start": start, "end": end, "pending": tuple(rest), "offset": 0, "url": ""})
        if place.end >= place.until:
            return None
        end = min(place.end + self.window, place.until)
        return place.model_copy(update={"start": place.end, "end": end, "offset": 0, "url": ""})

    def windows(self, start: datetime, until: datetime) -> int:
        """Return how many windows a span has."""
        return max(1, -(-(until - start) // self.window))


def releases_of(answer: Any, portal: Portal) -> list[Any]:
    """Return the releases of an answer; one that is no package may be a moment's fault of the portal."""
    try:
        return package.of_page(answer)
    except package.BadPackage as error:
        raise PortalUnavailable(f"{portal.name}: {error}") from None


def next_link(answer: Mapping[str, Any], asked: str) -> str:
    """Return `links.next` word for word, empty where there is none; a link to another host is not followed."""
    links = answer.get("links")
    url = links.get("next") if isinstance(links, Mapping) else None
    if not isinstance(url, str) or not url:
        return ""
    if urlsplit(url)[:2] != urlsplit(asked)[:2]:
        raise PortalUnavailable(f"The next page is said to be at another host: {url[:120]}")
    return url
