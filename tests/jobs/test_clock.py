"""The clock: one shift moves Python's time and the database's alike, and is undone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from jobs import clock, testing


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(clock.sql("SELECT {now}"))
        moment: datetime = cursor.fetchone()[0]
    return moment


@pytest.mark.parametrize("by", [timedelta(days=400), -timedelta(hours=5), timedelta(microseconds=1500), timedelta(0)])
def test_both_clocks_move_together(db: None, by: timedelta) -> None:
    with testing.shift_clock(by):
        expected = datetime.now(UTC) + by
        assert abs(clock.now() - expected) < timedelta(seconds=1)
        assert abs(database_now() - expected) < timedelta(seconds=1)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_shifts_add_up_and_end_one_by_one(db: None) -> None:
    with testing.shift_clock(timedelta(days=1)):
        with testing.shift_clock(timedelta(days=2)):
            assert round((clock.now() - datetime.now(UTC)) / timedelta(days=1)) == 3
        assert round((clock.now() - datetime.now(UTC)) / timedelta(days=1)) == 1


def test_a_shift_ends_even_after_an_error(db: None) -> None:
    with pytest.raises(RuntimeError), testing.shift_clock(timedelta(days=1)):
        raise RuntimeError
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_statements_without_a_shift_use_the_databases_own_time() -> None:
    assert clock.sql("SELECT {now}, '{}'") == "SELECT statement_timestamp(), '{}'"


def test_time_goes_on_within_a_transaction(db: Any) -> None:
    assert database_now() < database_now()
