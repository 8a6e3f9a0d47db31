"""In a worker, product code holds a database connection for a statement or a transaction, and no longer."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction

from jobs.postgresql import lending
from jobs.postgresql.reserving import reserved

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lent() -> Iterator[None]:
    """This process lends as a worker does, and holds nothing to begin with."""
    connection.close()
    lending.begin()
    yield
    lending.end()
    connection.close()


@pytest.fixture
def pool_of_one(lent: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process with a single connection for product code."""
    connection.close_pool()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", {"min_size": 0, "max_size": 1, "timeout": 5})
    monkeypatch.setattr(lending, "LOOK_SECONDS", 0.2)
    yield
    connection.close_pool()


def is_held() -> bool:
    return connection.connection is not None


@pytest.mark.usefixtures("lent")
def test_a_connection_goes_back_after_each_statement() -> None:
    Group.objects.create(name="a")
    assert not is_held()
    assert [group.name for group in Group.objects.all()] == ["a"]
    assert not is_held()
    assert Group.objects.filter(name="a").update(name="b") == 1
    assert Group.objects.first() is not None
    assert not is_held()


@pytest.mark.usefixtures("lent")
def test_a_connection_is_held_for_a_transaction_and_goes_back_at_its_end() -> None:
    heard: list[bool] = []
    with transaction.atomic():
        Group.objects.create(name="a")
        assert is_held()
        with transaction.atomic():
            Group.objects.create(name="b")
        transaction.on_commit(lambda: heard.append(Group.objects.count() == 2))
        transaction.on_commit(lambda: heard.append(Group.objects.count() == 2))
    assert heard == [True, True]
    assert not is_held()
    with pytest.raises(IntegrityError), transaction.atomic():
        Group.objects.create(name="a")
    assert not is_held()
    assert Group.objects.count() == 2


@pytest.mark.usefixtures("lent")
def test_a_cursor_keeps_its_connection_until_it_is_closed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (first,) = cursor.fetchone()
        Group.objects.create(name="a")
        assert is_held()
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() == (first,)
    assert not is_held()


@pytest.mark.usefixtures("lent")
def test_rows_that_are_read_in_portions_can_be_changed_meanwhile() -> None:
    Group.objects.bulk_create(Group(name=str(number)) for number in range(50))
    for group in Group.objects.iterator(chunk_size=10):
        Group.objects.filter(pk=group.pk).update(name=f"new {group.name}")
    assert not is_held()
    assert Group.objects.filter(name__startswith="new").count() == 50


@pytest.mark.usefixtures("lent")
def test_async_code_holds_no_connection_between_two_queries() -> None:
    async def work() -> bool:
        await Group.objects.acreate(name="a")
        return await sync_to_async(is_held)()

    assert async_to_sync(work)() is False


@pytest.mark.usefixtures("lent")
def test_a_connection_that_died_in_the_pool_is_replaced(second_connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    second_connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert Group.objects.count() == 0


@pytest.mark.usefixtures("pool_of_one")
def test_who_waits_for_a_transaction_waits_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    entered, leave, counted = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Group.objects.create(name="a")
            entered.set()
            leave.wait(30)

    def count() -> None:
        assert Group.objects.count() == 1
        counted.set()

    threads = [threading.Thread(target=hold), threading.Thread(target=count)]
    with caplog.at_level(logging.WARNING, logger="jobs"):
        threads[0].start()
        assert entered.wait(10)
        threads[1].start()
        # Several looks, so that giving up after one of them would show.
        time.sleep(1.0)
        assert not counted.is_set()
        assert lending.starving() == 1
        leave.set()
        assert counted.wait(10)
    for thread in threads:
        thread.join()
    assert lending.starving() == 0
    assert (
        "1 threads wait for a database connection: all 1 of this process are inside transaction.atomic()" in caplog.text
    )


@pytest.mark.usefixtures("pool_of_one")
def test_the_engine_has_connections_that_no_transaction_can_hold() -> None:
    done: list[int] = []

    def engine() -> None:
        with reserved():
            done.append(Group.objects.count())

    with transaction.atomic():
        Group.objects.create(name="a")
        thread = threading.Thread(target=engine)
        thread.start()
        thread.join(10)
        assert done == [0]


def test_outside_of_workers_a_connection_stays_as_django_has_it() -> None:
    Group.objects.create(name="a")
    assert is_held()
