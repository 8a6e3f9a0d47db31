"""Saved searches: a new match is mailed once, whatever is synced again or dies between the match and the mail."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

import jobs
from jobs import testing
from jobs.models import Run
from tenders import alerts, events
from tenders.models import Alert, SavedSearch
from tests.standins import tender_portals as standin
from tests.standins.smtp import MailServer
from tests.tenders.conftest import drain_hours

pytestmark = pytest.mark.django_db
DAY = "2026-08-14"


@pytest.fixture
def mail(settings):
    with MailServer().running() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", server.port, False
        settings.SITE_URL = "https://tenders.example"
        yield server


@pytest.fixture
def search():
    owner = User.objects.create_user("ann", email="ann@example.org")
    return make(owner, q="bridge", province="Gauteng")


def make(owner, email="ann@example.org", **what):
    long_ago = timezone.now() - timedelta(days=1)
    return SavedSearch.objects.create(
        owner=owner, name="Bridges", email=email, created_at=long_ago, checked_until=long_ago, **what
    )


def sync():
    asked = {"source": "za-etenders", "fromDate": DAY, "toDate": DAY, "maxEnrichment": 0}
    jobs.send_sync(jobs.Event(name=events.SYNC, data=asked))
    testing.drain()


def tell():
    jobs.send_sync(jobs.Event(name=events.SYNCED, data={"source": "file"}))
    testing.drain()


def test_a_new_match_is_mailed_once_and_not_again_after_a_re_sync(portals, mail, search):
    portals.za = [
        standin.za_release(1),
        standin.za_release(2, description="School meals"),
        standin.za_release(3, province="Limpopo"),
    ]
    sync()
    assert [str(m["Subject"]) for m in mail.mails] == ["1 new tender: Bridges"]
    assert str(mail.mails[0]["To"]) == "ann@example.org"
    body = mail.mails[0].get_content()
    assert "Repair of bridge number 1" in body
    assert "https://tenders.example/tenders/ocds-9t57fa-1/" in body
    portals.za.append(standin.za_release(4))
    portals.za[0]["tender"]["description"] = "Repair of bridge number 1, amended"
    sync()
    sync()
    assert [str(m["Subject"]) for m in mail.mails] == ["1 new tender: Bridges"] * 2
    assert "bridge number 4" in mail.mails[1].get_content()
    assert "amended" not in mail.mails[1].get_content()


def test_a_crash_between_match_and_mail_neither_loses_nor_doubles_the_mail(imported, mail, search, monkeypatch):
    imported(standin.za_release(1))
    real = alerts.mail

    def dies(_):
        raise OSError("the worker is gone")

    monkeypatch.setattr(alerts, "mail", dies)
    tell()
    assert (Alert.objects.filter(mailed_at=None).count(), len(mail.mails)) == (1, 0)
    monkeypatch.setattr(alerts, "mail", real)
    drain_hours()
    assert len(mail.mails) == 1
    tell()
    assert len(mail.mails) == 1
    assert Alert.objects.get().mailed_at is not None


def test_a_mail_that_went_out_before_the_crash_comes_again_under_the_same_id(imported, mail, search):
    imported(standin.za_release(1))
    tell()
    Alert.objects.update(mailed_at=None)  # as if the commit behind the mail had been lost
    tell()
    first, second = mail.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_one_address_that_is_refused_keeps_nobody_else_from_their_mail(imported, mail, search):
    mail.refuses.add("nobody@example.org")
    make(search.owner, email="nobody@example.org", q="bridge")
    imported(standin.za_release(1))
    tell()
    drain_hours(12)
    assert [str(m["To"]) for m in mail.mails] == ["ann@example.org"]
    run = Run.objects.get(function__endswith="-process-alerts")
    assert (run.status, run.output) == ("COMPLETED", {"found": 2, "mailed": 1})
    mail.refuses.clear()
    tell()
    assert [str(m["To"]) for m in mail.mails] == ["ann@example.org", "nobody@example.org"]


def test_tenders_from_before_the_search_and_paused_searches_are_not_mailed(imported, mail, search):
    imported(standin.za_release(1))
    SavedSearch.objects.update(created_at=timezone.now() + timedelta(minutes=1))
    tell()
    SavedSearch.objects.update(created_at=timezone.now() - timedelta(days=1), active=False)
    tell()
    assert mail.mails == []


def test_a_tender_that_matches_only_after_its_look_up_is_mailed_then(imported, mail, search, portals):
    from tenders import enrichment

    imported(standin.za_release(1, province=""))
    tell()
    assert mail.mails == []
    portals.rows = [standin.row("BID 1/2026", province="Gauteng")]
    enrichment.enrich("ocds-9t57fa-1")
    tell()
    assert len(mail.mails) == 1


def test_value_and_buyer_narrow_a_search(imported, mail, search):
    SavedSearch.objects.update(q="", province="", buyer="testville", value_from=1000, value_to=2000)
    imported(*(standin.za_release(n, value={"amount": n * 900, "currency": "ZAR"}) for n in (1, 2, 3)))
    tell()
    assert "bridge number 2" in mail.mails[0].get_content()
    assert str(mail.mails[0]["Subject"]).startswith("1 new tender:")
