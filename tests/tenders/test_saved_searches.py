"""Whom a saved search mails, and how many one person keeps."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User

from tenders.forms import MOST_SEARCHES
from tenders.models import SavedSearch
from tests.tenders.conftest import signed_in

pytestmark = pytest.mark.django_db
ADDRESS = "/tenders/searches/"


def test_a_search_mails_its_owners_own_address_and_no_other():
    ann = signed_in("ann")
    ann.post(ADDRESS, {"name": "Bridges", "q": "bridge", "email": "stranger@example.com"})
    assert SavedSearch.objects.get().email == "ann@example.org"
    assert 'name="email"' not in ann.get(ADDRESS).content.decode()


def test_somebody_without_an_address_is_told_who_can_enter_it():
    ann = signed_in("ann")
    User.objects.update(email="")
    answer = ann.post(ADDRESS, {"name": "Bridges", "q": "bridge"})
    assert (answer.status_code, SavedSearch.objects.count()) == (400, 0)
    assert "Your account has no mail address" in answer.content.decode()


def test_a_person_keeps_so_many_searches_and_no_more():
    ann, bob = signed_in("ann"), signed_in("bob")
    for number in range(MOST_SEARCHES):
        assert ann.post(ADDRESS, {"name": f"{number}", "q": "bridge"}).status_code == 302
    answer = ann.post(ADDRESS, {"name": "One more", "q": "bridge"})
    assert answer.status_code == 400
    assert f"You keep {MOST_SEARCHES} searches, the most that one person may; delete one." in answer.content.decode()
    assert bob.post(ADDRESS, {"name": "First", "q": "bridge"}).status_code == 302


def test_searches_of_before_take_their_owners_address_or_pause():
    ann = User.objects.create_user("ann", email="ann@example.org")
    bob = User.objects.create_user("bob")
    for owner in (ann, bob):
        SavedSearch.objects.create(owner=owner, name=owner.username, email="stranger@example.com")
    import_module("tenders.migrations.0003_own_address").take_own_address(apps, None)
    told = list(SavedSearch.objects.order_by("name").values_list("email", "active"))
    assert told == [("ann@example.org", True), ("stranger@example.com", False)]
