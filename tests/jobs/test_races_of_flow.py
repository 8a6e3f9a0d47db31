"""Flow control under two connections: races forced in both orders; nothing is lost, doubled or over a limit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

import jobs
from jobs import clock, deliveries, gate
from jobs.ids import new_id
from jobs.journal import Claimed
from jobs.models import Event, Run, claiming
from jobs.types import Status
from tests.jobs.cluster import Bench
from tests.jobs.conftest import Engine
from tests.jobs.flowing import notes, send, statuses, too_early
from tests.jobs.racing import Pair, aside, wait_for_a_wait
from tests.jobs.senders import Open, second_after


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, seen from outside."""
    return Bench(database_url, tmp_path)


@pytest.fixture
def engine(committing_engine: Engine) -> Engine:
    """The engine where other connections see what is written."""
    return committing_engine


def nothing(ctx: jobs.ContextSync) -> None:
    return None


def claim(connection: psycopg.Connection[Any], most: int = 1) -> list[Claimed]:
    """Claim runs without limits in the connection's transaction, which stays open."""
    return claiming.claim(connection.cursor(), new_id(), most)


def claim_limited(connection: psycopg.Connection[Any], most: int = 8) -> list[Claimed]:
    """Claim runs with limits in the connection's transaction, which stays open."""
    return gate.claim(connection.cursor(), new_id(), most)


def events_of_runs() -> list[list[int]]:
    """Return the numbers of each run's events, oldest run first."""
    return [
        [link.event.data["n"] for link in run.runevent_set.order_by("position").select_related("event")]
        for run in Run.objects.order_by("queued_at", "id")
    ]


# Debounce


def debounced(engine: Engine) -> None:
    engine.define(nothing, debounce=jobs.Debounce(period=timedelta(seconds=10)))
    send([1])
    engine.pass_time(seconds=11)


def test_a_worker_passes_over_a_debounce_that_is_being_extended(
    engine: Engine, bench: Bench, two_connections: Pair
) -> None:
    debounced(engine)
    worker, _ = two_connections
    sender = Open(lambda: send([2]))
    assert claim(worker) == []
    worker.commit()
    sender.commit()
    assert events_of_runs() == [[1, 2]]
    assert claim(worker) == []
    worker.commit()
    engine.pass_time(seconds=11)
    [taken] = claim(worker)
    worker.commit()
    assert [event.data["n"] for event in taken.events] == [1, 2]


def test_a_debounce_that_is_being_claimed_takes_no_more_and_the_event_opens_the_next(
    engine: Engine, bench: Bench, two_connections: Pair
) -> None:
    debounced(engine)
    worker, _ = two_connections
    [taken] = claim(worker)
    later = aside(send, [2])
    wait_for_a_wait(bench)
    worker.commit()
    later.result(10)
    assert [event.data["n"] for event in taken.events] == [1]
    assert events_of_runs() == [[1], [2]]
    assert statuses() == [Status.RUNNING, Status.QUEUED]


def test_a_debounce_whose_claim_is_rolled_back_goes_on_collecting(
    engine: Engine, bench: Bench, two_connections: Pair
) -> None:
    debounced(engine)
    worker, _ = two_connections
    assert len(claim(worker)) == 1
    later = aside(send, [2])
    wait_for_a_wait(bench)
    worker.rollback()
    later.result(10)
    assert events_of_runs() == [[1, 2]]


def test_a_limited_debounce_is_extended_or_claimed_but_never_both(
    engine: Engine, bench: Bench, two_connections: Pair
) -> None:
    engine.define(
        nothing,
        debounce=jobs.Debounce(period=timedelta(seconds=10)),
        concurrency=[jobs.Concurrency(limit=1)],
    )
    send([1])
    engine.pass_time(seconds=11)
    worker, _ = two_connections
    sender = Open(lambda: send([2]))
    assert claim_limited(worker) == []
    worker.commit()
    sender.commit()
    engine.pass_time(seconds=11)
    [taken] = claim_limited(worker)
    later = aside(send, [3])
    wait_for_a_wait(bench)
    worker.commit()
    later.result(10)
    assert [event.data["n"] for event in taken.events] == [1, 2]
    assert events_of_runs() == [[1, 2], [3]]


# Batches


def test_two_senders_fill_one_batch_after_the_other(engine: Engine, bench: Bench) -> None:
    engine.define(nothing, batch_events=jobs.Batch(max_size=3))
    with second_after(bench, Open(lambda: send([1, 2])), lambda: send([3, 4])):
        pass
    assert events_of_runs() == [[1, 2, 3], [4]]
    assert Run.objects.filter(collecting__isnull=False).count() == 1


def test_a_batch_of_a_sender_that_rolls_back_is_not_there(engine: Engine, bench: Bench) -> None:
    engine.define(nothing, batch_events=jobs.Batch(max_size=3))
    first = Open(lambda: send([1, 2]), rolls_back=True)
    later = aside(send, [3])
    wait_for_a_wait(bench)
    first.commit()
    later.result(10)
    assert events_of_runs() == [[3]]


def test_many_senders_at_once_lose_no_event_and_overfill_no_batch(engine: Engine, bench: Bench) -> None:
    engine.define(nothing, batch_events=jobs.Batch(max_size=7, key="event.data.part"))

    def sender(number: int) -> None:
        for n in range(20):
            send(range(number * 100 + n * 3, number * 100 + n * 3 + 3), part=n % 2)

    for one in [aside(sender, number) for number in range(4)]:
        one.result(30)
    found = events_of_runs()
    assert sorted(n for batch in found for n in batch) == sorted(
        number * 100 + n for number in range(4) for n in range(60)
    )
    full = [batch for batch in found if len(batch) == 7]
    assert all(len(batch) <= 7 for batch in found)
    # Not more than one open batch for each of the two keys.
    assert len(found) - len(full) <= 2
    assert Run.objects.filter(collecting__isnull=False).count() == len(found) - len(full)


def test_a_batch_that_is_being_claimed_takes_no_more(engine: Engine, bench: Bench, two_connections: Pair) -> None:
    engine.define(nothing, batch_events=jobs.Batch(max_size=3))
    send([1])
    engine.pass_time(seconds=61)
    worker, _ = two_connections
    [taken] = claim(worker)
    later = aside(send, [2])
    wait_for_a_wait(bench)
    worker.commit()
    later.result(10)
    assert [event.data["n"] for event in taken.events] == [1]
    assert events_of_runs() == [[1], [2]]


# Singletons, rate limits, idempotency


def test_of_two_senders_of_one_singleton_the_second_is_skipped(engine: Engine, bench: Bench) -> None:
    engine.define(nothing, singleton=jobs.Singleton(mode="skip"))
    with second_after(bench, Open(lambda: send([1])), lambda: send([2])):
        pass
    assert statuses() == [Status.QUEUED, Status.SKIPPED]


def test_of_two_senders_of_one_singleton_the_second_takes_the_place(engine: Engine, bench: Bench) -> None:
    engine.define(nothing, singleton=jobs.Singleton(mode="cancel"))
    with second_after(bench, Open(lambda: send([1])), lambda: send([2])):
        pass
    deliveries.hand_over()
    assert statuses() == [Status.CANCELLED, Status.QUEUED]


def test_two_senders_share_one_rate(engine: Engine, bench: Bench) -> None:
    engine.define(nothing, rate_limit=jobs.RateLimit(limit=3, period=timedelta(hours=1)))
    with second_after(bench, Open(lambda: send([1, 2])), lambda: send([3, 4])) as (first, second):
        assert [notes(one) for one in first] == ["", ""]
        assert ["rate limited" in notes(one) for one in second] == [False, True]
    assert Run.objects.count() == 3


def test_four_senders_without_pause_keep_exactly_to_the_rate(engine: Engine) -> None:
    rule = jobs.RateLimit(limit=20, period=timedelta(seconds=1))
    engine.define(nothing, rate_limit=rule)

    def sender() -> int:
        until, count = clock.now() + timedelta(seconds=2), 0
        while clock.now() < until:
            send([count])
            count += 1
        return count

    sent = sum(one.result(30) for one in [aside(sender) for _ in range(4)])
    times = list(Event.objects.filter(note="").order_by("received_at").values_list("received_at", flat=True))
    assert Event.objects.count() == sent
    assert Run.objects.count() == len(times)
    # Between a decision and the storing of its event pass milliseconds, more on a busy machine.
    assert max(too_early(times, 0.05, 20), default=0) < 0.05
    lasted = (max(Event.objects.values_list("received_at", flat=True)) - times[0]).total_seconds()
    assert 20 + lasted / 0.05 - 3 <= len(times) <= 20 + lasted / 0.05 + 1


def test_two_senders_of_one_value_start_one_run(engine: Engine, bench: Bench) -> None:
    engine.define(nothing, idempotency="event.data.order")
    with second_after(bench, Open(lambda: send([1], order="a")), lambda: send([2], order="a")):
        pass
    assert Run.objects.count() == 1
