"""The table of permissions: every address of the site, asked by every role, answers as `permissions.txt` says.

A new address fails here until it has a row. `python -m pytest tests/config/test_permissions.py` prints the row that the
site answers now; whether that is right is for whoever adds it to judge.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client as Browser
from django.urls import URLPattern, get_resolver

from clients.models import Client, ClientUser, ContentBrief
from jobs import clock
from jobs.models import EventKey, Schedule
from jobs.types import Status
from pulls.models import Repository
from tenders.models import SavedSearch, Tender
from tests.jobs.factories import a_run, an_event

pytestmark = pytest.mark.django_db
TABLE = Path(__file__).with_name("permissions.txt")
ROLES = ["nobody", "login", "viewer", "editor", "reader", "operator", "products", "root", "sends", "key"]
PRODUCTS = ("transcripts", "tenders", "imports", "clients", "pulls")
STOCK = ("/add/", "<path:object_id>/", "/history/", "/delete/", "/change/")
LETTERS = {401: "k", 403: "-", 404: "n", 405: "m", 410: "n"}


def addresses(patterns: Any = None, prefix: str = "") -> Iterator[str]:
    """Yield every address of the URLconf, as it is written there."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield "/" + route
        else:
            yield from addresses(pattern.url_patterns, route)


def rows() -> dict[str, list[str]]:
    lines = [line for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    return {address: cells for address, *cells in map(str.split, lines)}


def person(name: str, *wanted: str, staff: bool) -> Browser:
    user = User.objects.create_user(name, f"{name}@example.org", is_staff=staff, pk=User.objects.count() + 1)
    for app, begin in (want.split(".") for want in wanted):
        found = Permission.objects.filter(codename__startswith=begin)
        user.user_permissions.add(*(found.filter(content_type__app_label=app) if app else found))
    return signed_in(user)


def signed_in(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


def bearer(name: str, *scopes: str) -> Browser:
    return Browser(headers={"Authorization": f"Bearer {EventKey.make(name, scopes)[1]}"})


@pytest.fixture
def everybody() -> dict[str, Browser]:
    """One browser or program of each role."""
    people = {
        "nobody": Browser(),
        "login": person("login", staff=False),
        "viewer": person("viewer", staff=False),
        "editor": person("editor", staff=False),
        "reader": person("reader", ".view_", staff=True),
        "operator": person("operator", "jobs.", staff=True),
        "products": person("products", *(f"{app}." for app in PRODUCTS), staff=True),
        "root": signed_in(User.objects.create_superuser("root", pk=User.objects.count() + 1)),
        "sends": bearer("sends", "send"),
        "key": bearer("key", "read", "act", *PRODUCTS),
    }
    return {role: people[role] for role in ROLES}


@pytest.fixture
def places(everybody: dict[str, Browser]) -> dict[str, str]:
    """What stands in the place of each part of an address: rows that exist, so nobody is refused for their sake."""
    acme = Client.objects.create(pk=1, name="Acme")
    for number, role in enumerate(("viewer", "editor"), start=1):
        ClientUser.objects.create(pk=number, client=acme, user=User.objects.get(username=role), role=role)
    run = a_run(Status.FAILED, function="stepwell-hello-world", events=[event := an_event("test/hello.world")])
    Tender.objects.create(pk=1, ocid="ocds-1", source="file")
    SavedSearch.objects.create(pk=1, owner=User.objects.get(username="login"), name="One", q="one")
    Repository.objects.create(pk=1, owner="acme", name="site", github_id=1)
    ticking = Schedule.objects.create(function="stepwell-prune-history", cron="* * * * *", next_at=clock.now())
    ContentBrief.objects.create(pk=1, client=acme, title="One")
    return {
        **{"run_id": str(run.pk), "event_id": str(event.pk), "schedule_id": str(ticking.pk), "secret": "no-such-key"},
        **{
            "key_id": str(EventKey.objects.first().pk),
            "function_id": "stepwell-hello-world",
            "label": "clients.client",
        },
        **{
            "kind": "json",
            "ocid": "ocds-1",
            "release_id": "r",
            "uidb64": "Mw",
            "token": "x-y",
            "source": "za-etenders",
        },
        **{"verb": "sync", "app_label": "jobs", "url": "no-such-page"},
    }


def asked(route: str, places: dict[str, str]) -> str:
    """Return an address of the site for a route."""
    route = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", route).replace("^", "").replace("$", "")
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: places.get(found[1], "1"), route)


def verbs(role: str, route: str) -> tuple[str, ...]:
    """Return the methods that are asked: Django's own pages of one row by GET, and programs only where they call."""
    if role in ("sends", "key") and not route.startswith(("/api/", "/v1/", "/e/", "/metrics", "/admin/jobs/")):
        return ("GET",)
    return ("GET",) if route.startswith("/admin/") and route.endswith(STOCK) else ("GET", "POST")


def answered(browser: Browser, method: str, address: str) -> str:
    """Return how an address answers, as a letter; whatever it did is taken back."""
    browser.raise_request_exception = False
    kept = browser.cookies.copy()
    try:
        with transaction.atomic():
            answer = browser.generic(method, address, b"", content_type="application/x-www-form-urlencoded")
            transaction.set_rollback(True)
    finally:
        browser.cookies = kept
    if answer.status_code >= 500:
        return "!" if answer.status_code == 500 else "s"
    if answer.status_code == 302 and re.match(r"(/admin)?/login/", answer["Location"]):
        return "L"
    return LETTERS.get(answer.status_code, "o")


def test_every_address_answers_every_role_as_the_table_says(
    everybody: dict[str, Browser], places: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)  # a thousand refusals, each with its stack
    table, wrong = rows(), []
    for route in addresses():
        address = asked(route, places)
        cells = ["".join(answered(everybody[role], verb, address) for verb in verbs(role, route)) for role in ROLES]
        if table.get(route) != cells:
            wrong.append(f"{route:<66} {' '.join(cells)}")
    assert not wrong, "permissions.txt says otherwise, or nothing:\n" + "\n".join(wrong)


def test_no_row_of_the_table_is_about_an_address_that_is_gone() -> None:
    assert set(rows()) <= set(addresses())


def test_no_address_but_those_open_to_all_lets_a_stranger_through() -> None:
    """Read from the table itself, so that a row that was pasted without a look does not pass."""
    public = r"login|logout|favicon|health|e/|webhooks/|tenders/|api/tenders/|clients/invitation/|admin/log(in|out)"
    open_to_all = re.compile(f"/({public})")
    for address, cells in rows().items():
        if not open_to_all.match(address):
            assert "o" not in cells[ROLES.index("nobody")], address
        for role in ("login", "viewer", "editor"):
            if address.startswith("/admin/") and not open_to_all.match(address) and "password_change" not in address:
                assert "o" not in cells[ROLES.index(role)], address
