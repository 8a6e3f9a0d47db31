"""The answer of a COMMIT is lost while rows are imported: each row is there once, and what is paid for is paid once."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection

from imports import processors
from imports.models import CsvBatch
from imports.processors import Row
from jobs import clock
from jobs.models import LogLine
from tests.imports.conftest import SKU, csv_of, started
from tests.jobs.working import worked
from tests.standins.postgres_link import Link, behind_a_link

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = [f"A-{n}" for n in range(1, 5)]


@pytest.fixture
def link(transactional_db: None) -> Iterator[Link]:
    """The database behind a link that breaks when it is told."""
    with behind_a_link() as link, clock.shifted():
        yield link


@pytest.fixture(params=["one by one", "as a set"])
def stored(request: pytest.FixtureRequest) -> Callable[[], CsvBatch]:
    """Starts a file whose rows are stored one by one, or as a set in one transaction."""

    def store(row: Row) -> str:
        with connection.cursor() as cursor:
            # Nothing in the database would keep a row from being there twice.
            cursor.execute(
                "INSERT INTO jobs_logline (run_id, step, level, message, at) "
                "VALUES (gen_random_uuid(), '', 'INFO', %s, now())",
                [row.data["sku"]],
            )
        return row.data["sku"]

    if request.param == "one by one":
        processors.each_row("shop.rows", title="Rows", required=[SKU])(lambda row, answer: store(row))
    else:
        processors.many_rows("shop.rows", title="Rows", required=[SKU])(lambda rows: [store(row) for row in rows])
    return lambda: started(csv_of(4), "shop.rows")


def names() -> list[str]:
    """Return what rows have stored."""
    return sorted(LogLine.objects.filter(step="", message__startswith="A-").values_list("message", flat=True))


@pytest.mark.parametrize("late", [0.0, 1.0], ids=["done", "under way"])
def test_rows_whose_answer_is_lost_are_stored_once(link: Link, stored: Callable[[], CsvBatch], late: float) -> None:
    batch = stored()
    link.lose_answer("'A-2'", late=late)
    worked()
    assert (link.struck, names()) == (1, NAMES)
    assert Counter(batch.rows.values_list("status", flat=True)) == {"COMPLETED": 4}


def test_rows_whose_commit_never_arrived_are_stored_by_the_next_attempt(
    link: Link, stored: Callable[[], CsvBatch]
) -> None:
    batch = stored()
    link.lose_commit("'A-2'")
    worked()
    clock.shift(timedelta(minutes=2))
    worked()
    assert (link.struck, names()) == (1, NAMES)
    assert Counter(batch.rows.values_list("status", flat=True)) == {"COMPLETED": 4}


def test_an_answer_that_was_paid_for_is_not_asked_for_again(link: Link) -> None:
    asked: Counter[str] = Counter()

    def ask(row: Row) -> str:
        asked[row.data["sku"]] += 1
        return f"answer for {row.data['sku']}"

    processors.each_row("shop.ask", title="Ask", required=[SKU], ask=ask)(lambda row, answer: answer)
    batch = started(csv_of(4), "shop.ask")
    link.lose_answer("answer for A-2")
    worked()
    clock.shift(timedelta(minutes=2))
    worked()
    assert (link.struck, asked) == (1, dict.fromkeys(NAMES, 1))
    assert Counter(batch.rows.values_list("status", flat=True)) == {"COMPLETED": 4}
