"""How far back a wait looks: to whoever may have stored an event that it could not see when it registered."""

import threading
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from jobs.models import waiting
from tests.jobs.cluster import wait_until
from tests.jobs.conftest import Engine

BEGUN = "SELECT query_start FROM pg_stat_activity WHERE state = 'active' AND query LIKE '/* INSERT INTO jobs_event (%'"


def looks_back_to() -> datetime:
    """Return from when on a wait that registers now looks for events."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(waiting.SINCE)
        cursor.execute("SELECT current_setting('jobs.since')::timestamptz")
        moment: datetime = cursor.fetchone()[0]
        return moment


def begun() -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(BEGUN)
        row = cursor.fetchone()
        return row and row[0]


def test_a_sender_whose_statement_has_begun_and_that_holds_no_lock_yet_is_looked_back_to(
    committing_engine: Engine, second_connection: Any
) -> None:
    statement = "/* INSERT INTO jobs_event ( */ SELECT pg_sleep(1)"
    sender = threading.Thread(target=second_connection.execute, args=(statement,))
    sender.start()
    wait_until(begun, 5, "the statement of the sender runs")
    assert looks_back_to() == begun()
    sender.join()


def test_without_senders_a_wait_looks_back_to_its_own_beginning(committing_engine: Engine) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        opened = cursor.fetchone()[0]
        assert looks_back_to() >= opened
