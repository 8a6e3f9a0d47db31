"""Two at once, on two real connections: a person and a model, two invitations, two edits."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from clients import editing, enriching, events, invitations
from clients.models import AIStatus, Client, ClientUser, Competitor
from clients.requests import UserRequest
from tests.clients.test_enhance import reply
from tests.jobs.cluster import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def on_own_connection(call):
    try:
        return call()
    finally:
        connection.close()


def blocked(observer):
    return observer.execute(BLOCKED).fetchone()[0] > 0


def at_once(first, second):
    """Call both at the same moment, each on a connection of its own; a refusal is its result."""
    barrier = Barrier(2)

    def call(what):
        connection.ensure_connection()
        barrier.wait(10)
        try:
            return what()
        except events.NotNow as refused:
            return refused

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(lambda what: on_own_connection(lambda: call(what)), (first, second)))


def test_a_competitor_that_a_person_is_adding_right_now_stays_the_persons(acme, second_connection):
    found = {"competitors": [{"name": "Kings", "domain": "kings.example"}], "rejected": []}
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Competitor.objects.create(client=acme, name="Ours", domain="kings.example")
            model = threads.submit(on_own_connection, lambda: enriching.add_competitors(acme.pk, None, found))
            wait_until(lambda: blocked(second_connection), 10, "the model's entry waits for the person's")
        assert model.result(10) == {"added": 0, "kept": 1, "failed": []}
    rival = Competitor.objects.get()
    assert (rival.name, rival.source) == ("Ours", Competitor.Source.MANUAL)


def test_a_field_that_a_person_is_saving_right_now_stays_the_persons(acme, second_connection):
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            editing.enter(acme.pk, {"business_model": "Rental"})
            fields = {"business_model": "B2B", "sub_industry": "Pallets"}
            update = threads.submit(on_own_connection, lambda: enriching.update(acme.pk, None, fields, reply()))
            wait_until(lambda: blocked(second_connection), 10, "the model's answer waits for the person")
        assert update.result(10) == ["sub_industry"]
    client = Client.objects.get()
    assert (client.business_model, client.sub_industry) == ("Rental", "Pallets")
    assert client.filled_by == {"business_model": "person", "sub_industry": "model"}


def test_an_edit_waits_for_the_models_answer_and_keeps_its_other_fields(acme, second_connection):
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            enriching.update(acme.pk, None, {"business_model": "B2B", "sub_industry": "Pallets"}, reply())
            edit = threads.submit(on_own_connection, lambda: editing.enter(acme.pk, {"business_model": "Rental"}))
            wait_until(lambda: blocked(second_connection), 10, "the person waits for the model's answer")
        assert edit.result(10) == ["business_model"]
    client = Client.objects.get()
    assert (client.business_model, client.sub_industry, client.ai_enhancement_count) == ("Rental", "Pallets", 1)
    assert client.filled_by == {"business_model": "person", "sub_industry": "model"}


def test_of_two_presses_at_once_one_starts_a_run(provider, acme):
    for _ in range(3):
        Client.objects.update(ai_status=AIStatus.PENDING, run=None)
        results = at_once(*[lambda: events.request_enhancement(acme.pk, by="mara")] * 2)
        assert sum(isinstance(result, events.NotNow) for result in results) == 1
        events.Run.objects.all().delete()


def test_two_invitations_at_once_make_one_account(acme):
    for number in range(3):
        asked = UserRequest(client_id=acme.pk, email=f"ann{number}@acme.example")
        results = at_once(*[lambda asked=asked: transaction.atomic(invitations.create)(asked)] * 2)
        assert len({result["user"] for result in results}) == len({result["member"] for result in results}) == 1
        assert sorted(result["created"] for result in results) == [False, True]
    assert (User.objects.count(), ClientUser.objects.count()) == (3, 3)
