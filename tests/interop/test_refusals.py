"""What the site refuses is an error in the SDK, in the site's words."""

from typing import Any

import pytest
from inngest._internal.errors import SendEventsError

from jobs.models import Event
from tests.interop.senders import Connect, Sender

pytestmark = pytest.mark.django_db(transaction=True)

GOOD_BAD_GOOD = [{"name": "order/placed"}, {"name": "order/paid"}, {"name": ""}, {"name": "order/sent"}]


def names() -> list[str]:
    return sorted(Event.objects.values_list("name", flat=True))


@pytest.mark.usefixtures("key")
def test_an_unknown_key_is_an_error(connect: Connect, live_server: Any) -> None:
    stranger = connect(live_server.url, "not-a-key")
    with pytest.raises(stranger.error, match="Event key not found"):
        stranger.send([{"name": "order/placed"}])
    assert names() == []


def test_a_bad_event_is_named_and_those_before_it_are_stored_once(sender: Sender) -> None:
    # The SDK for JavaScript sends such a request five times before it gives up.
    with pytest.raises(sender.error, match="Event 3 of 4 has an empty name"):
        sender.send(GOOD_BAD_GOOD)
    assert names() == ["order/paid", "order/placed"]


@pytest.mark.parametrize("connect", ["python", "python-async"], indirect=True)
def test_the_error_has_the_ids_of_the_events_before_the_bad_one(sender: Sender) -> None:
    with pytest.raises(SendEventsError) as refused:
        sender.send(GOOD_BAD_GOOD)

    stored = {str(event.pk): event.name for event in Event.objects.all()}
    assert [stored[event_id] for event_id in refused.value.ids] == ["order/placed", "order/paid"]


def test_a_reserved_name_is_an_error(sender: Sender) -> None:
    with pytest.raises(sender.error, match="reserved"):
        sender.send([{"name": "inngest/function.failed"}])
    assert names() == []
