"""What an SDK was given is what is stored: names, data, ids, times and order."""

import time
from typing import Any
from uuid import UUID

import inngest
import pytest

from jobs.models import Event
from jobs.types import Source
from tests.interop.senders import Sender

pytestmark = pytest.mark.django_db(transaction=True)

DATA = {
    "text": 'Zoë said "yes"\n\N{PARTY POPPER}',
    "nul": "a\0b",
    "price": 12.5,
    "largest": 2**53 - 1,
    "nothing": None,
    "yes": True,
    "nested": {"list": [1, ["two", {}], []]},
}


def test_an_event_arrives_with_its_name_data_id_and_time(sender: Sender) -> None:
    [event_id] = sender.send([{"name": "order/placed", "data": DATA, "id": "order-7", "ts": 1_700_000_000_123}])

    event = Event.objects.get()
    assert event.pk == UUID(event_id)
    assert (event.name, event.data, event.external_id, event.ts) == ("order/placed", DATA, "order-7", 1_700_000_000_123)
    assert (event.source, event.sender, event.duplicate) == (Source.HTTP, "shop", False)


def test_an_event_of_a_name_alone_gets_the_time_of_sending_and_no_id(sender: Sender) -> None:
    before = int(time.time() * 1000)
    sender.send([{"name": "order/placed"}])

    event = Event.objects.get()
    assert (event.data, event.external_id) == ({}, "")
    assert before <= event.ts <= int(time.time() * 1000)


def test_many_events_keep_their_order_and_get_their_ids_back(sender: Sender) -> None:
    sent = [f"number/{number}" for number in range(200)]
    ids = sender.send([{"name": name} for name in sent])

    stored = {str(event.pk): event.name for event in Event.objects.all()}
    assert [stored[event_id] for event_id in ids] == sent


def test_no_events_are_no_error(sender: Sender) -> None:
    assert sender.send([]) == []
    assert not Event.objects.exists()


def test_the_environment_alone_can_say_where_to_send(
    live_server: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_EVENT_API_BASE_URL", live_server.url)
    monkeypatch.setenv("INNGEST_EVENT_KEY", key)
    client = inngest.Inngest(app_id="interop")

    assert len(client.send_sync(inngest.Event(name="order/placed"))) == 1
    assert Event.objects.get().name == "order/placed"
