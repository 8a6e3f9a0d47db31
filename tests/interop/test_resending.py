"""A lost answer makes an SDK send the same request again, and that stores nothing twice."""

from collections.abc import Iterator
from typing import Any

import pytest

import jobs
from jobs import testing
from jobs.models import Event, Run
from tests.interop.lossy import Loss, Lossy
from tests.interop.senders import Connect, Sender

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=list(Loss))
def lossy(request: pytest.FixtureRequest, live_server: Any) -> Iterator[Lossy]:
    with Lossy(live_server.url, request.param).running() as between:
        yield between


@pytest.fixture
def listener() -> Iterator[None]:
    with testing.registry():

        @jobs.create_function(fn_id="ship", trigger=jobs.TriggerEvent(event="order/*"))
        def ship(ctx: jobs.ContextSync) -> None:
            """Ship one order."""

        yield


@pytest.mark.usefixtures("listener")
def test_a_lost_answer_stores_nothing_twice(connect: Connect, lossy: Lossy, key: str) -> None:
    sender = connect(lossy.url, key)
    ids = sender.send([{"name": "order/placed"}, {"name": "order/paid", "id": "order-7-paid"}])

    assert len(lossy.seeds) == 2
    assert len(set(lossy.seeds)) == 1
    stored = {str(event.pk): event for event in Event.objects.all()}
    assert [stored.pop(event_id).name for event_id in ids] == ["order/placed", "order/paid"]
    assert stored == {}
    assert not Event.objects.filter(duplicate=True).exists()
    assert Run.objects.count() == 2


@pytest.mark.usefixtures("listener")
def test_after_a_lost_answer_a_bad_event_is_still_an_error(connect: Connect, lossy: Lossy, key: str) -> None:
    sender = connect(lossy.url, key)
    with pytest.raises(sender.error, match="Event 2 of 2 has an empty name"):
        sender.send([{"name": "order/placed"}, {"name": ""}])

    assert Event.objects.count() == 1
    assert Run.objects.count() == 1


def test_sending_the_same_twice_is_no_resend(sender: Sender) -> None:
    ids = [sender.send([{"name": "order/placed"}]) for _ in range(2)]

    assert ids[0] != ids[1]
    assert Event.objects.count() == 2
