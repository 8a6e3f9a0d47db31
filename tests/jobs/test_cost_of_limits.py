"""What limits cost: a claim looks at what may start, however many runs are blocked, asleep or put aside."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

import jobs
from jobs import clock
from jobs.models import agenda, blocked, claiming, gating
from tests.jobs.conftest import Engine
from tests.jobs.flowing import send, take

MANY = 20_000

_FILL = """
INSERT INTO jobs_run (id, function, status, run_at, rank, priority, lease, attempt, crashes, steps, queued_at, trigger,
                      subject, current_step, parent_step, gated, concurrency_1, collected, woken, blocked_by)
SELECT gen_random_uuid(), 'stepwell-work', %s, now() + %s::interval, now() + %s::interval, 0, 0, 0, 0, 0, now(), 'test',
       '', '', '', true, 'stepwell-work', 0, false, %s FROM generate_series(1, %s)
"""


@pytest.fixture
def full(engine: Engine) -> Engine:
    """A table with many runs that no claim may start: behind a key, behind a pause, and asleep for some minutes."""
    engine.define(lambda ctx: None, concurrency=[jobs.Concurrency(limit=2)])
    kinds = (
        ("QUEUED", "-1 hour", "stepwell-work"),
        ("QUEUED", "-1 hour", "paused stepwell-other"),
        ("SLEEPING", "5 minutes", None),
    )
    with connection.cursor() as cursor:
        for status, due, behind in kinds:
            cursor.execute(_FILL, [status, due, due, behind, MANY])
        cursor.execute("ANALYZE jobs_run")
    return engine


def rows_read(statement: str, parameters: list[Any]) -> int:
    """Return how many rows of runs a statement reads, those that it throws away included."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {clock.sql(statement)}", parameters)
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return sum(map(_of_runs, _nodes(plan)))


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for inner in plan.get("Plans", ()) for node in _nodes(inner))]


def _of_runs(node: dict[str, Any]) -> int:
    if node.get("Relation Name") != "jobs_run" or not node["Node Type"].endswith("Scan"):
        return 0
    return int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])


def test_a_claim_of_runs_without_limits_reads_none_of_those_that_are_blocked_or_asleep(full: Engine) -> None:
    assert rows_read(claiming._CLAIM.replace("{limit}", "64"), [None]) == 0


def test_looking_what_is_to_do_reads_a_few_heads_of_indexes(full: Engine) -> None:
    assert rows_read(agenda._AGENDA, []) <= 10


def test_the_gate_reads_only_what_asks(full: Engine) -> None:
    assert rows_read(gating._CANDIDATES, []) == 0
    send(range(5))
    # A few are read twice: as what asks, and in their order.
    assert rows_read(gating._CANDIDATES, []) <= 10


def test_counting_slots_reads_those_that_run(full: Engine) -> None:
    send([1, 2])
    take()
    assert rows_read(gating._TAKEN, [["stepwell-work"]]) <= 2


def test_what_is_behind_a_key_is_read_as_far_as_it_is_wanted(full: Engine) -> None:
    wanted = json.dumps([{"key": "stepwell-work", "most": 3}])
    assert rows_read(gating._BEHIND, [wanted, []]) <= 12


def test_finding_the_keys_that_block_reads_one_run_for_each(full: Engine) -> None:
    assert rows_read(blocked._KEYS_WITH_BLOCKED, []) <= 10
