"""Senders, children and clocks against the run that waits: two connections force each order, and nothing is missed."""

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import transaction

import jobs
from jobs import actions, clock, deliveries, events
from jobs.journal import Awaited, Claimed, Entry, Wait, Write, key_of
from jobs.models import Delivery, Run, Step, sending, waiting
from jobs.models import Wait as Registered
from jobs.opening import Opening
from jobs.types import Op, Source, Status, StepStatus
from tests.jobs.cluster import Bench, wait_until
from tests.jobs.conftest import Engine
from tests.jobs.racing import Pair, an_end, aside, claim, claimed_run, wait_for_a_wait, written
from tests.jobs.working import at_work

NAME = "test/answer"
KEY = key_of("wait")
HOUR = timedelta(hours=1)


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """The test database, seen from outside."""
    return Bench(database_url, tmp_path)


def a_wait(held: Claimed, *, timeout: timedelta = HOUR) -> Write:
    """What the worker that holds the run registers for a step that waits."""
    now = clock.now()
    entry = Entry(KEY, "wait", 0, Op.WAIT_FOR_EVENT, StepStatus.WAITING, now, wake_at=now + timeout)
    return Write(held.run_id, held.lease, [entry], awaited=[Awaited(KEY, NAME)])


def suspended(held: Claimed) -> Write:
    """How the worker leaves a run that waits."""
    return an_end(held, Wait(a_wait(held).entries[0]))  # type: ignore[arg-type]


def registered(pair: Pair, bench: Bench) -> Claimed:
    """Have a run claimed and its wait registered, all committed."""
    held = claimed_run(bench, pair[0])
    assert written(pair[0], a_wait(held))
    pair[0].commit()
    return held


def looked(worker: psycopg.Connection[Any], held: Claimed) -> tuple[list[Any], bool]:
    """What the worker finds that looks for its event: the data of those that came, and whether it is unsure."""
    with worker.cursor() as cursor:
        unsure = waiting.unsure(cursor, held.run_id, KEY)
        worker.commit()
        found = waiting.look(cursor, held.run_id, KEY, timedelta(0))
        worker.commit()
    return [event.data for event in found], unsure


def send(n: int = 1, name: str = NAME) -> None:
    events.send([jobs.Event(name=name, data={"n": n})])


class Sender:
    """Another sender, with a transaction of its own that a test opens and commits."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url)

    def store(self, n: int = 1, *, savepoint: bool = False) -> None:
        """Store an event as `send` does, and look for waits; the transaction stays open."""
        opening = Opening()
        opening.add_event(jobs.Event(name=NAME, data={"n": n}, ts=1_800_000_000_000))
        with ExitStack() as stack, self._connection.cursor() as cursor:
            if savepoint:
                cursor.execute("SELECT 1")  # begins the transaction around it
                stack.enter_context(self._connection.transaction())
            stored = {"events": list(opening.events.values()), "runs": [], "links": []}
            sending.store(cursor, source=Source.EVENT, sender="", **stored)
            self.seen = waiting.shapes(cursor, [NAME])

    def commit(self) -> None:
        self._connection.commit()
        self._connection.close()

    def rollback(self) -> None:
        self._connection.rollback()
        self._connection.close()


@pytest.fixture
def sender(database_url: str) -> Sender:
    """A sender whose transaction a test holds open."""
    return Sender(database_url)


@pytest.mark.parametrize("savepoint", [False, True], ids=["plain", "in-a-savepoint"])
def test_an_event_stored_before_the_wait_and_committed_after_the_look_is_found_by_looking_again(
    bench: Bench, two_connections: Pair, sender: Sender, savepoint: bool
) -> None:
    first, second = two_connections
    held = claimed_run(bench, first)
    sender.store(7, savepoint=savepoint)
    # Others commit meanwhile, so that the sender's numbers lie far behind the newest.
    for _ in range(3):
        second.execute("SELECT pg_current_xact_id()")
        second.commit()
    assert written(first, a_wait(held))
    first.commit()
    assert sender.seen == []
    assert looked(first, held) == ([], True)
    assert looked(first, held) == ([], True)
    sender.commit()
    assert looked(first, held) == ([{"n": 7}], False)


def test_an_event_committed_between_the_registration_and_its_commit_is_found(
    bench: Bench, two_connections: Pair, sender: Sender
) -> None:
    first, _ = two_connections
    held = claimed_run(bench, first)
    assert written(first, a_wait(held))
    sender.store(7)
    assert sender.seen == []
    sender.commit()
    first.commit()
    assert looked(first, held) == ([{"n": 7}], False)


def test_an_event_committed_before_the_registration_is_not_found(bench: Bench, two_connections: Pair) -> None:
    first, _ = two_connections
    held = claimed_run(bench, first)
    send(7)
    assert written(first, a_wait(held))
    first.commit()
    assert looked(first, held) == ([], False)


def test_a_transaction_opened_before_that_stores_its_event_after_the_registration_leaves_it_for_the_run(
    bench: Bench, two_connections: Pair
) -> None:
    first, _ = two_connections
    held = claimed_run(bench, first)
    with transaction.atomic():
        Run.objects.count()
        assert written(first, a_wait(held))
        first.commit()
        assert looked(first, held) == ([], False)
        assert written(first, suspended(held))
        first.commit()
        send(7)
    assert deliveries.hand_over() == 1
    assert (Run.objects.get().status, Step.objects.get().output["data"]) == (Status.QUEUED, {"n": 7})


def test_a_sender_that_rolls_back_leaves_nothing_to_wait_for(
    bench: Bench, two_connections: Pair, sender: Sender
) -> None:
    first, _ = two_connections
    held = claimed_run(bench, first)
    sender.store(7)
    assert written(first, a_wait(held))
    first.commit()
    assert looked(first, held) == ([], True)
    sender.rollback()
    assert looked(first, held) == ([], False)


def test_only_those_who_may_have_overlooked_the_wait_make_it_look_again(
    bench: Bench, two_connections: Pair, sender: Sender
) -> None:
    first, _ = two_connections
    held = registered(two_connections, bench)
    assert looked(first, held) == ([], False)
    sender.store(7)
    # It has seen the wait, so it will leave the event for it.
    assert sender.seen == [(NAME, "")]
    assert looked(first, held) == ([], False)
    sender.rollback()


def test_the_sender_of_an_event_of_another_name_does_not_make_a_wait_look_again(
    bench: Bench, two_connections: Pair
) -> None:
    first, _ = two_connections
    held = claimed_run(bench, first)
    with transaction.atomic():
        send(1, "test/another")
        assert written(first, a_wait(held))
        first.commit()
        assert looked(first, held) == ([], False)


def test_a_run_is_told_of_an_event_whose_sender_was_slow_to_commit(
    committing_engine: Engine, sender: Sender, bench: Bench
) -> None:
    def body(ctx: jobs.ContextSync) -> Any:
        event = ctx.step.wait_for_event("wait", event=NAME, timeout=HOUR)
        return event and dict(event.data)

    committing_engine.define(body)
    committing_engine.send()
    sender.store(7)
    with at_work():
        wait_until(lambda: Run.objects.get().status == Status.WAITING, 10, "the run waits")
        wait_until(lambda: (Run.objects.get().lease or 0) > 2, 10, "it looked again and again")
        sender.commit()
        wait_until(lambda: Run.objects.get().status == Status.COMPLETED, 10, "the run has its event")
    assert Run.objects.get().output == {"n": 7}
    assert not Registered.objects.exists()


def test_an_event_handed_over_while_the_run_is_at_work_makes_it_due_once_it_suspends(
    bench: Bench, two_connections: Pair
) -> None:
    first, _ = two_connections
    held = registered(two_connections, bench)
    send(7)
    assert deliveries.hand_over() == 1
    run = Run.objects.get()
    assert (run.status, run.woken) == (Status.RUNNING, True)
    assert written(first, suspended(held))
    first.commit()
    (again,) = claim(first)
    assert again.journal[KEY].status == StepStatus.COMPLETED
    assert not Run.objects.get().woken or again.lease == held.lease + 1


def test_handing_over_passes_by_a_run_that_is_being_settled_and_comes_back(bench: Bench, two_connections: Pair) -> None:
    first, _ = two_connections
    held = registered(two_connections, bench)
    send(7)
    assert written(first, suspended(held))
    assert deliveries.hand_over() == 0
    first.commit()
    assert deliveries.hand_over() == 1
    assert Run.objects.get().status == Status.QUEUED


def test_a_run_that_settles_while_its_event_is_handed_over_waits_for_that_and_is_due(
    bench: Bench, two_connections: Pair
) -> None:
    first, _ = two_connections
    held = registered(two_connections, bench)
    send(7)
    with transaction.atomic():
        assert deliveries.hand_over() == 1
        settling = aside(written, first, suspended(held))
        wait_for_a_wait(bench)
    assert settling.result(5) is True
    first.commit()
    assert Run.objects.get().status == Status.QUEUED


def test_the_first_event_counts_when_two_senders_come_at_once(
    bench: Bench, two_connections: Pair, sender: Sender
) -> None:
    first, _ = two_connections
    held = registered(two_connections, bench)
    assert written(first, suspended(held))
    first.commit()
    with transaction.atomic():
        send(1)
        aside(send, 2).result(5)
    while deliveries.hand_over():
        pass
    assert Step.objects.get().output["data"] in ({"n": 1}, {"n": 2})
    assert not Delivery.objects.exists()
    assert not Registered.objects.exists()


def test_a_wait_that_is_written_once_more_after_it_was_met_stays_met(bench: Bench, two_connections: Pair) -> None:
    first, _ = two_connections
    held = registered(two_connections, bench)
    send(7)
    assert deliveries.hand_over() == 1
    # As after a commit that was not heard of.
    assert written(first, a_wait(held))
    first.commit()
    assert Step.objects.get().status == StepStatus.COMPLETED


def test_the_timeout_that_was_claimed_first_counts_and_the_event_changes_nothing_more(
    bench: Bench, two_connections: Pair
) -> None:
    first, _ = two_connections
    held = claimed_run(bench, first)
    assert written(first, a_wait(held, timeout=timedelta(0)))
    assert written(first, suspended(held))
    first.commit()
    Run.objects.update(run_at=clock.now() - HOUR)
    Registered.objects.update(expires_at=clock.now() + HOUR)
    send(7)
    (again,) = claim(first)
    # The claim holds the run: the event has to come later.
    assert deliveries.hand_over() == 0
    first.commit()
    entry = again.journal[KEY]
    entry.status, entry.output, entry.ended_at = StepStatus.COMPLETED, "null", clock.now()
    assert written(first, Write(again.run_id, again.lease, [entry], forget=[KEY]))
    first.commit()
    assert deliveries.hand_over() == 1
    assert Step.objects.get().output is None
    assert written(first, an_end(again))
    first.commit()
    assert Run.objects.get().status == Status.COMPLETED


def test_a_wait_is_not_registered_for_a_run_that_has_ended_meanwhile(bench: Bench, two_connections: Pair) -> None:
    first, _ = two_connections
    held = claimed_run(bench, first)
    assert actions.cancel(Run.objects.get(), by="ada")
    assert not written(first, a_wait(held))
    first.commit()
    assert not Registered.objects.exists()
    assert not Step.objects.exists()


def test_a_loser_that_registers_after_its_run_has_ended_leaves_no_wait(bench: Bench, two_connections: Pair) -> None:
    first, _ = two_connections
    held = claimed_run(bench, first)
    assert written(first, an_end(held))
    written(first, a_wait(held))
    first.commit()
    assert not Registered.objects.exists()
