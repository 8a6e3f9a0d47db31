"""Portals that stand in, people, and jobs run right here, for the tests of the tenders product."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from jobs import testing
from tenders import importing
from tenders.models import JobLog, Tender
from tests.standins.tender_portals import PACKAGE, Portals

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "ocds"


@pytest.fixture
def portals(settings: Any) -> Iterator[Portals]:
    """All portals, on this machine and in no hurry to be polite to."""
    with Portals().running() as server:
        for name in ("ZA_URL", "ZA_PORTAL_URL", "FTS_URL", "CF_URL"):
            setattr(settings, f"TENDERS_{name}", server.url)
        for name in ("ZA", "FTS", "CF", "LOOKUP"):
            setattr(settings, f"TENDERS_{name}_INTERVAL", 0.0001)
        settings.TENDERS_TIMEOUT = 5
        yield server


@pytest.fixture
def imported(db: None, tmp_path: Path) -> Callable[..., importing.Taken]:
    """Import releases, or a file's text, as a package."""

    def take(*releases: Any, text: str | None = None) -> importing.Taken:
        path = tmp_path / "package.json"
        path.write_text(text if text is not None else json.dumps({**PACKAGE, "releases": list(releases)}))
        return importing.import_path(path)

    return take


@pytest.fixture
def tender(imported: Callable[..., importing.Taken]) -> Callable[[Any], Tender]:
    """Import one release and return its tender."""

    def make(release: Any) -> Tender:
        imported(release)
        return Tender.objects.get(ocid=release["ocid"])

    return make


def drain_hours(hours: int = 3) -> None:
    """Execute what is due now and in the next hours, retries included."""
    for hour in range(hours * 4):
        with testing.shift_clock(timedelta(minutes=15 * hour)):
            testing.drain()


def newest() -> JobLog:
    """Return the job that was started last."""
    return JobLog.objects.order_by("-pk").first()


def signed_in(name: str, *permissions: str, **more: Any) -> Client:
    """A browser of a person with these permissions."""
    user = User.objects.create_user(name, password="secret", email=f"{name}@example.org", **more)
    for codename in permissions:
        user.user_permissions.add(Permission.objects.get(content_type__app_label="tenders", codename=codename))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator(db: None) -> Client:
    """Somebody who runs the feeds."""
    return signed_in("opal", "view_joblog", "sync_tenders", is_staff=True)


@pytest.fixture
def looker(db: None) -> Client:
    """Somebody who may look at the jobs but press nothing."""
    return signed_in("lou", "view_joblog", is_staff=True)
