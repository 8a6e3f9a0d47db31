"""A loopback server that behaves like the three tender portals and the look-up site, bad days included."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from tests.standins.serving import Handler, Server

PACKAGE = {
    "version": "1.1",
    "publishedDate": "2026-08-14T19:13:26Z",
    "publisher": {"name": "The Treasury of the tests"},
    "license": "https://example.org/licence",
}
ZA, FTS, CF, LOOKUP = "/api/OCDSReleases", "/api/1.0/ocdsReleasePackages", "/Published/Notices/OCDS/Search", "/Home"


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that is not what was asked for. `drop_after`: the connection is cut after so many bytes."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    drop_after: int | None = None
    delay: float = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived, and when (monotonic seconds)."""

    path: str
    params: dict[str, str]
    at: float


class Portals:
    """All portals on one port. Releases are kept in the order in which pages give them."""

    def __init__(self) -> None:
        self.za: list[dict[str, Any]] = []
        self.fts: list[dict[str, Any]] = []
        self.cf: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []
        self.asked: list[Asked] = []
        self.za_fails_above = 10_000
        self.za_gives_at_most = 10_000
        self.za_links = False
        self.cf_links = True
        self.prompts: list[dict[str, Any]] = []
        self.model_says = "none"
        self._faults: dict[str, deque[Fault]] = {}
        self._lock = threading.Lock()
        self._server = _Server(_Handler)
        self._server.portals = self

    @property
    def url(self) -> str:
        """Where the server listens, with the scheme."""
        return self._server.url

    def faults(self, path: str, *faults: Fault) -> None:
        """Answer the next requests for a path with these, in this order."""
        self._faults.setdefault(path, deque()).extend(faults)

    def requests(self, path: str) -> list[dict[str, str]]:
        """Return the parameters of the requests for a path, in order, without those for one release (health)."""
        found = [each.params for each in self.asked if each.path.startswith(path)]
        return [params for params in found if params.get("PageSize") != "1" and params.get("limit") != "1"]

    def answer(self, path: str, params: dict[str, str], at: float) -> Fault:
        """Return what a request gets."""
        with self._lock:
            self.asked.append(Asked(path, params, at))
            place = next((known for known in (ZA, FTS, CF, LOOKUP) if path.startswith(known)), "")
            healthy = params.get("PageSize") == "1" or params.get("limit") == "1"
            if self._faults.get(place) and not healthy:
                return self._faults[place].popleft()
        match place:
            case "/api/OCDSReleases":
                return self._za(params)
            case "/api/1.0/ocdsReleasePackages":
                return self._fts(params)
            case "/Published/Notices/OCDS/Search":
                return self._cf(params)
            case "/Home":
                return self._lookup(params)
        return Fault(404, "Not here.")

    def _za(self, params: dict[str, str]) -> Fault:
        if not ("dateFrom" in params and "dateTo" in params):
            return Fault(400, "Both dateFrom and dateTo are required.")
        size, number = int(params["PageSize"]), int(params["PageNumber"])
        if size > self.za_fails_above:
            return Fault(500, "<html><body>Execution Timeout Expired.</body></html>")
        found = [r for r in self.za if params["dateFrom"] <= r.get("date", "")[:10] <= params["dateTo"]]
        given = min(size, self.za_gives_at_most)
        page = found[(number - 1) * given : number * given]
        more = self.za_links and number * given < len(found)
        links = {"next": f"{self.url}{ZA}?PageNumber={number + 1}"} if more else {}
        return Fault(200, json.dumps({**PACKAGE, "releases": page, **({"links": links} if self.za_links else {})}))

    def _fts(self, params: dict[str, str]) -> Fault:
        if "cursor" in params:
            start, until, offset = params["cursor"].split("|")
        else:
            start, until, offset = params["updatedFrom"], params.get("updatedTo", "9"), "0"
        return self._linked(FTS, self.fts, start, until, int(offset), int(params.get("limit", 100)), links=True)

    def _cf(self, params: dict[str, str]) -> Fault:
        if "cursor" in params:
            start, until, offset = params["cursor"].split("|")
        else:
            start, until, offset = params["publishedFrom"], params.get("publishedTo", "9"), "0"
        return self._linked(CF, self.cf, start, until, int(offset), int(params["limit"]), links=self.cf_links)

    def _linked(
        self, path: str, releases: list[Any], start: str, until: str, offset: int, limit: int, *, links: bool
    ) -> Fault:
        found = [r for r in releases if start <= r["date"][:19] <= until]
        page, end = found[offset : offset + limit], offset + limit
        cursor = quote(f"{start}|{until}|{end}")
        link = (
            {"links": {"next": f"{self.url}{path}?limit={limit}&cursor={cursor}"}} if links and end < len(found) else {}
        )
        return Fault(200, json.dumps({**PACKAGE, "releases": page, **link}))

    def _lookup(self, params: dict[str, str]) -> Fault:
        wanted = params["search[value]"].lower()
        found = [row for row in self.rows if wanted in str(row["tender_No"]).lower() or wanted == "all"]
        return Fault(200, json.dumps({"draw": 1, "recordsTotal": len(self.rows), "data": found or self.rows}))

    @contextmanager
    def running(self) -> Iterator["Portals"]:
        """Serve until the block ends."""
        with self._server.running():
            yield self


class _Server(Server):
    portals: Portals


class _Handler(Handler):
    protocol_version = "HTTP/1.0"  # a dropped answer ends its connection
    server: _Server

    def get(self) -> None:
        parts = urlsplit(self.path)
        answer = self.server.portals.answer(parts.path, dict(parse_qsl(parts.query)), time.monotonic())
        if answer.delay:
            time.sleep(answer.delay)
        body = answer.body.encode("utf-8") if not answer.headers.get("X-Latin") else answer.body.encode("cp1252")
        self.send(answer.status, answer.headers, body, only=answer.drop_after)

    def post(self) -> None:
        """A chat completion of a language model; a number in the place of words is the status it answers with."""
        self.server.portals.prompts.append(json.loads(self.body()))
        said = self.server.portals.model_says
        status = int(said) if said.isdigit() else 200
        message = {"role": "assistant", "content": said}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        reply = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        body = json.dumps(reply if status == 200 else {"error": {"message": "no"}}).encode()
        self.send(status, {}, body)


def za_release(number: int, day: str = "2026-08-14", **tender: Any) -> dict[str, Any]:
    """A release as South Africa's portal gives it; our own making."""
    ocid = f"ocds-9t57fa-{number}"
    body = {
        "id": str(number),
        "title": f"BID {number}/2026",
        "status": "active",
        "category": "Construction",
        "province": "Gauteng",
        "deliveryLocation": "1 Test Street - Testville - 0001",
        "mainProcurementCategory": "works",
        "description": f"Repair of bridge number {number}",
        "value": {"amount": 0, "currency": "ZAR"},
        "documents": [],
        "tenderPeriod": {"startDate": f"{day}T00:00:00Z", "endDate": "2099-12-01T11:00:00Z"},
        "procurementMethodDetails": "Request for Bid(Open-Tender)",
        "briefingSession": {"isSession": False, "compulsory": False, "date": "0001-01-01T00:00:00Z", "venue": "N/A"},
        "contactPerson": {"name": "T. Ester", "email": "tester@example.org", "telephoneNumber": "000"},
        **tender,
    }
    buyer = {"id": "1", "name": "Testville Local Municipality"}
    return {
        "ocid": ocid,
        "id": f"{ocid}-{day}",
        "date": f"{day}T00:00:00Z",
        "tag": ["compiled"],
        "tender": body,
        "buyer": buyer,
        "parties": [],
        "language": "en-za",
    }


def uk_release(number: int, at: datetime, *, prefix: str = "ocds-h6vhtk", **more: Any) -> dict[str, Any]:
    """A release as the British portals give it; our own making."""
    ends = (at + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%S+01:00")
    return {
        "ocid": f"{prefix}-{number:06x}",
        "id": f"{number:06d}-{at.year}",
        "date": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tag": ["tender"],
        "buyer": {"id": "GB-1", "name": "Testshire County Council"},
        "parties": [
            {
                "id": "GB-1",
                "name": "Testshire County Council",
                "roles": ["buyer"],
                "address": {"locality": "Testford", "region": "UKX"},
                "contactPoint": {"name": "T. Ester", "email": "tester@example.org", "telephone": "000"},
            }
        ],
        "tender": {
            "id": str(number),
            "title": f"School meals {number}",
            "description": "Meals for the schools of Testshire",
            "value": {"amount": 1000 + number, "currency": "GBP"},
            "classification": {"scheme": "CPV", "id": "55524000", "description": "School catering services"},
            "tenderPeriod": {"endDate": ends},
        },
        **more,
    }


def row(number: str, **more: Any) -> dict[str, Any]:
    """A row as the look-up site gives it; our own making."""
    return {
        "id": 1,
        "tender_No": number,
        "description": "Repair of a bridge",
        "category": "Civil engineering",
        "type": "Request for Bid(Open-Tender)",
        "organ_of_State": "Testville Local Municipality",
        "closing_Date": "2099-12-01T11:00:00",
        "compulsory_briefing_session": "2026-09-01T10:00:00",
        "briefingVenue": "Town hall",
        "town": "Testville",
        "conditions": "Bidders must register.",
        "contactPerson": "P. Ortal",
        "email": "portal@example.org",
        "telephone": "111",
        "briefingSession": True,
        "briefingCompulsory": True,
        "province": "Limpopo",
        "eSubmission": False,
        "supportDocument": [{"supportDocumentID": "a-1", "fileName": "Bid.pdf", "extension": ".pdf", "active": True}],
        "delivery": "Main road - Testville - 0001",
        **more,
    }
