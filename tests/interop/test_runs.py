"""Events of an SDK start runs as any others do: once for an id, and not before their time."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

import jobs
from jobs import clock, testing
from jobs.models import Event, Run
from jobs.types import Status
from tests.interop.senders import Sender

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def listener() -> Iterator[None]:
    with testing.registry():

        @jobs.create_function(fn_id="ship", trigger=jobs.TriggerEvent(event="order/placed"))
        def ship(ctx: jobs.ContextSync) -> dict[str, object]:
            """Ship one order."""
            return {"order": ctx.event.data["order"], "ts": ctx.event.ts}

        yield


def test_an_event_starts_a_run_that_sees_its_data(sender: Sender) -> None:
    [event_id] = sender.send([{"name": "order/placed", "data": {"order": 7}, "ts": 1_700_000_000_123}])
    testing.drain()

    run = Run.objects.get(events=event_id)
    assert (run.status, run.output) == (Status.COMPLETED, {"order": 7, "ts": 1_700_000_000_123})


def test_the_same_id_starts_a_function_once(sender: Sender) -> None:
    order = {"name": "order/placed", "data": {"order": 7}, "id": "order-7"}
    ids = [sender.send([order, order]), sender.send([order])]
    testing.drain()

    assert len(set(ids[0] + ids[1])) == 3
    assert Event.objects.filter(duplicate=True).count() == 2
    assert Run.objects.get().output["order"] == 7


def test_a_time_in_the_future_delays_the_run(sender: Sender) -> None:
    moment = int((clock.now() + timedelta(hours=1)).timestamp() * 1000)
    sender.send([{"name": "order/placed", "data": {"order": 7}, "ts": moment}])

    assert testing.drain() == 0
    assert Run.objects.get().run_at.timestamp() * 1000 == pytest.approx(moment)
    with testing.shift_clock(timedelta(hours=1, seconds=1)):
        testing.drain()
    run = Run.objects.get()
    assert (run.status, run.output) == (Status.COMPLETED, {"order": 7, "ts": moment})
