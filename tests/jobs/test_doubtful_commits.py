"""The answer of a COMMIT is lost, or the COMMIT itself: the journal decides, and nothing happens twice."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

import jobs
from jobs import clock
from jobs.function import Function
from jobs.ids import new_id
from jobs.models import Event, LogLine, Run
from jobs.types import Status
from tests.jobs.working import WorkedEngine, at_work
from tests.standins.postgres_link import Link, behind_a_link

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def link(transactional_db: None) -> Iterator[Link]:
    """The database behind a link that breaks when it is told."""
    with behind_a_link() as link:
        yield link


@pytest.fixture
def engine(link: Link) -> Iterator[WorkedEngine]:
    """A real worker behind the link."""
    with ExitStack() as stack, clock.shifted():
        yield WorkedEngine(stack)


class Rows:
    """A handler that stores a row in each call."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        Event.objects.create(id=new_id(), name="row/written", ts=1, received_at=datetime.now(UTC))
        return self.calls

    @property
    def stored(self) -> int:
        """How many of its rows were committed."""
        return Event.objects.filter(name="row/written").count()


def then(step: str, rows: Rows) -> Any:
    """A body that calls the handler in a transaction step and goes on with its result."""
    return lambda ctx: ctx.step.run("after", lambda kept: kept * 10, ctx.step.transaction(step, rows))


def test_a_transaction_step_whose_answer_is_lost_goes_on_with_its_result(engine: WorkedEngine, link: Link) -> None:
    rows = Rows()
    link.lose_answer("doubtful")
    run = engine.execute(then("doubtful", rows))
    assert (run.status, run.output, link.struck) == (Status.COMPLETED, 10, 1)
    assert (rows.calls, rows.stored) == (1, 1)


def test_a_commit_that_is_still_under_way_is_waited_for(engine: WorkedEngine, link: Link) -> None:
    rows = Rows()
    link.lose_answer("doubtful", late=1.5)
    run = engine.execute(then("doubtful", rows))
    assert (run.status, run.output, link.struck) == (Status.COMPLETED, 10, 1)
    assert (rows.calls, rows.stored) == (1, 1)


def test_a_commit_that_never_arrived_is_made_anew(engine: WorkedEngine, link: Link) -> None:
    rows = Rows()
    link.lose_commit("doubtful")
    run = engine.execute(then("doubtful", rows), backoff=[0])
    assert (run.status, run.output, link.struck) == (Status.COMPLETED, 20, 1)
    assert (rows.calls, rows.stored) == (2, 1)


def test_what_was_to_follow_the_commit_follows_it(engine: WorkedEngine, link: Link) -> None:
    followed: list[str] = []

    def handler() -> None:
        transaction.on_commit(lambda: followed.append("hook"))

    link.lose_answer("doubtful")
    run = engine.execute(lambda ctx: ctx.step.transaction("doubtful", handler))
    assert (run.status, link.struck, followed) == (Status.COMPLETED, 1, ["hook"])


def test_a_hook_that_fails_after_the_commit_does_not_repeat_the_step(engine: WorkedEngine) -> None:
    rows = Rows()

    def handler() -> int:
        transaction.on_commit(lambda: 1 / 0)
        return rows()

    run = engine.execute(lambda ctx: ctx.step.transaction("write", handler), backoff=[0])
    assert (run.status, run.output, rows.calls, rows.stored) == (Status.COMPLETED, 1, 1, 1)


def test_a_send_step_whose_answer_is_lost_sends_once(engine: WorkedEngine, link: Link) -> None:
    engine.define(lambda ctx: None, on="test/sent", fn_id="receiver")
    link.lose_answer("doubtful")
    run = engine.start(lambda ctx: ctx.step.send_event("doubtful", jobs.Event(name="test/sent")))
    run = engine.drained(run)
    assert (run.status, link.struck) == (Status.COMPLETED, 1)
    assert [str(pk) for pk in Event.objects.filter(name="test/sent").values_list("pk", flat=True)] == run.output
    assert Run.objects.filter(function="stepwell-receiver").count() == 1


def test_an_invocation_whose_answer_is_lost_has_one_child(engine: WorkedEngine, link: Link) -> None:
    child: Function = engine.define(lambda ctx: "grown up", on="test/never", fn_id="child")
    link.lose_answer("doubtful")
    run = engine.start(lambda ctx: ctx.step.invoke("doubtful", function=child))
    assert (engine.drained(run).output, link.struck) == ("grown up", 1)
    assert Run.objects.filter(function=child.id).count() == 1


def test_an_event_with_an_id_that_is_sent_again_starts_once(engine: WorkedEngine, link: Link) -> None:
    engine.define(lambda ctx: None)
    link.lose_answer("only-once")
    with pytest.raises(OperationalError):
        engine.send(id="only-once")
    engine.send(id="only-once")
    assert (link.struck, Run.objects.count()) == (1, 1)
    assert list(Event.objects.order_by("id").values_list("duplicate", flat=True)) == [False, True]


@pytest.mark.parametrize("heard", [False, True], ids=["unheard", "heard"])
def test_a_run_whose_end_is_doubtful_ends_once(engine: WorkedEngine, link: Link, heard: bool) -> None:
    entered: list[str] = []
    ended: list[str] = []
    if heard:
        engine.define(lambda ctx: ended.append(ctx.run_id), on="jobs/function.finished", fn_id="listener")
    engine.define(lambda ctx: entered.append(ctx.run_id) or "the-end", on="test/event")
    link.lose_answer("the-end")
    engine.send()
    run = engine.drained(Run.objects.get())
    assert (run.status, run.output, link.struck) == (Status.COMPLETED, "the-end", 1)
    assert (len(entered), len(ended)) == (1, int(heard))


def test_a_step_whose_answer_is_lost_is_not_called_again(engine: WorkedEngine, link: Link) -> None:
    calls: list[str] = []

    def body(ctx: jobs.ContextSync) -> None:
        ctx.logger.info("said once")
        ctx.step.run("doubtful", lambda: calls.append("called"))

    link.lose_answer("doubtful")
    run = engine.execute(body)
    assert (run.status, link.struck, calls) == (Status.COMPLETED, 1, ["called"])
    assert LogLine.objects.filter(message="said once").count() == 1


def test_a_database_that_is_away_is_asked_until_it_answers(engine: WorkedEngine, link: Link) -> None:
    rows = Rows()
    link.lose_answer("doubtful", down=2.0)
    begun = time.monotonic()
    run = engine.start(then("doubtful", rows))
    with at_work():
        while time.monotonic() < begun + 20 and not is_over(run):
            time.sleep(0.1)
    run.refresh_from_db()
    assert (run.status, run.output, link.struck) == (Status.COMPLETED, 10, 1)
    assert (rows.calls, rows.stored) == (1, 1)
    assert time.monotonic() - begun > 2


def is_over(run: Run) -> bool:
    try:
        return Run.objects.filter(pk=run.pk, ended_at__isnull=False).exists()
    except OperationalError:  # the link is down
        connection.close()
        return False


def test_a_lease_that_is_lost_meanwhile_ends_the_doubt(
    engine: WorkedEngine, link: Link, second_connection: psycopg.Connection[Any]
) -> None:
    """Another worker has the run, and with it the journal: the first one neither goes on nor repeats anything."""
    rows, passed = Rows(), []

    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.transaction("doubtful", rows)
        passed.append("on")

    run = engine.start(body)
    link.lose_answer("doubtful", late=1.0)
    with at_work() as worker:
        wait_for(lambda: link.struck)
        # Waits for the commit under way, and is then before everybody who looks.
        second_connection.execute("UPDATE jobs_run SET lease = lease + 1 WHERE id = %s", [run.pk])
        wait_for(lambda: not worker.flights)
    assert (rows.calls, rows.stored, passed) == (1, 1, [])


def wait_for(condition: Callable[[], Any]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
