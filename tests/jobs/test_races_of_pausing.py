"""Pausing and resuming while a claim is under way: nothing stays put aside, and no claim waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

import jobs
from jobs import actions, gate
from jobs.ids import new_id
from jobs.journal import Claimed
from jobs.models import claiming
from jobs.types import Status
from tests.jobs.cluster import Bench
from tests.jobs.conftest import Engine
from tests.jobs.flowing import blocked, send, statuses
from tests.jobs.racing import Pair, aside, wait_for_a_wait
from tests.jobs.senders import Open

ID = "stepwell-work"


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


@pytest.mark.parametrize("limits", [{}, {"concurrency": [jobs.Concurrency(limit=5)]}], ids=["plain", "limited"])
def test_a_pause_does_not_stop_what_is_being_claimed_and_stops_what_comes_after(
    engine: Engine, two_connections: Pair, limits: dict[str, Any]
) -> None:
    engine.define(nothing, **limits)
    worker, other = two_connections
    takes = claim_limited if limits else claim
    send([1])
    assert len(takes(worker)) == 1
    assert actions.pause(ID, by="ada")
    worker.commit()
    send([2])
    assert takes(other) == []
    other.commit()
    assert statuses() == [Status.RUNNING, Status.QUEUED]
    assert blocked() == 1


@pytest.mark.parametrize("limits", [{}, {"concurrency": [jobs.Concurrency(limit=5)]}], ids=["plain", "limited"])
def test_a_function_that_is_resumed_while_a_claim_puts_its_runs_aside_keeps_none_aside(
    engine: Engine, bench: Bench, two_connections: Pair, limits: dict[str, Any]
) -> None:
    engine.define(nothing, **limits)
    worker, other = two_connections
    takes = claim_limited if limits else claim
    actions.pause(ID, by="ada")
    send([1, 2])
    assert takes(worker) == []
    resuming = aside(actions.resume, ID, by="bob")
    wait_for_a_wait(bench)
    worker.commit()
    assert resuming.result(10)
    assert blocked() == 0
    assert len(takes(other, 2)) == 2
    other.commit()


@pytest.mark.parametrize("limits", [{}, {"concurrency": [jobs.Concurrency(limit=5)]}], ids=["plain", "limited"])
def test_a_claim_does_not_wait_for_whoever_is_resuming(
    engine: Engine, two_connections: Pair, limits: dict[str, Any]
) -> None:
    engine.define(nothing, **limits)
    worker, _ = two_connections
    takes = claim_limited if limits else claim
    actions.pause(ID, by="ada")
    send([1])
    resuming = Open(lambda: actions.resume(ID, by="bob"))
    assert len(takes(worker)) == 1
    worker.commit()
    resuming.commit()


# The gate
