"""What PostgreSQL refuses to store fails its own run, in words, and no other."""

from collections.abc import Callable
from typing import Any

import pytest

import jobs
from jobs.attempt import Attempt
from jobs.database import pool
from jobs.ids import new_id
from jobs.journal import Claimed, Entry, Write, key_of
from jobs.models import claiming
from jobs.pending import Pending
from jobs.registry import registry
from jobs.writer import Writer
from tests.jobs.conftest import Engine

pytestmark = pytest.mark.django_db(transaction=True)

DEEP = "[" * 40_000 + "]" * 40_000
"""JSON that Python can hold as text and PostgreSQL cannot parse: a stack overflow in its parser."""


@pytest.fixture
def writer() -> Any:
    connections = pool()
    made = Writer(connections, in_flight=lambda: 100, stopping=lambda function: False)
    yield made
    made.close()
    connections.close()


@pytest.fixture
def claimed(committing_engine: Engine, second_connection: Any) -> Callable[[], list[Claimed]]:
    """Two runs whose leases this test holds."""
    committing_engine.define(lambda ctx: None)

    def claim() -> list[Claimed]:
        for _ in range(2):
            committing_engine.send()
        with second_connection.cursor() as cursor:
            return claiming.claim(cursor, new_id(), 2)

    return claim


def entry(claimed: Claimed, output: str) -> Entry:
    return Entry(key_of("a"), "a", 0, "run", "COMPLETED", claimed.now, claimed.now, output=output)


def test_a_value_that_postgresql_cannot_parse_is_refused_and_not_tried_for_ever(writer: Any, claimed: Any) -> None:
    one, _ = claimed()
    attempt = Attempt(one, registry.get("stepwell-work"), writer)
    with pytest.raises(jobs.NonRetriableError, match='The result of "a" cannot be stored'):
        attempt.journal(entry(one, DEEP))


def test_the_others_of_its_commit_are_written(writer: Any, claimed: Any) -> None:
    bad, good = claimed()
    batch = [Pending(Write(run.run_id, run.lease, [entry(run, text)])) for run, text in ((bad, DEEP), (good, "1"))]
    writer._finish(batch)
    assert batch[1].wait() is True
    assert "stack depth" in str(batch[0].error)
