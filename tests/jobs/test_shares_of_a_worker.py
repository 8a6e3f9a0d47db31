"""A worker shares its threads between runs with limits and runs without, and blocked ones cost it nothing."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import jobs
from jobs import gate, worker
from jobs.models import Run, agenda
from jobs.types import Status
from tests.jobs.conftest import Engine
from tests.jobs.flowing import blocked, send


@contextmanager
def working(settings: Any, threads: int) -> Iterator[worker.Worker]:
    """A worker of this process, and at the end none of its threads."""
    settings.JOBS = settings.JOBS | {"THREADS": threads}
    process = worker.Worker()
    try:
        yield process
    finally:
        process.stop(5)


def pump_until(process: worker.Worker, condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Let a worker work until something is true."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "in vain"
        process.pump(0.1)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_neither_kind_of_run_waits_for_the_other_kinds_backlog(
    committing_engine: Engine, settings: Any, threads: int
) -> None:
    order: list[str] = []
    plain, limited = "plain", "limited"
    committing_engine.define(lambda ctx: order.append(plain), fn_id=plain, on=plain)
    committing_engine.define(
        lambda ctx: order.append(limited), fn_id=limited, on=limited, concurrency=[jobs.Concurrency(limit=50)]
    )
    send(range(100), plain)
    send(range(100), limited)
    with working(settings, threads) as process:
        pump_until(process, lambda: len(order) == 200)
    # Of the first half of all each kind has had a fair part.
    assert min(order[:100].count(kind) for kind in (plain, limited)) >= 20


def test_a_run_that_waits_for_the_slot_of_a_failing_one_starts_without_a_poll(
    committing_engine: Engine, settings: Any
) -> None:
    settings.JOBS = settings.JOBS | {"POLL_SECONDS": 4.0}
    ended: list[float] = []

    def body(ctx: jobs.ContextSync) -> None:
        time.sleep(0.2)
        ended.append(time.monotonic())
        raise jobs.NonRetriableError("no")

    committing_engine.define(body, concurrency=[jobs.Concurrency(limit=1)])
    send(range(3))
    with working(settings, 8) as process:
        pump_until(process, lambda: len(ended) == 3)
    # Three times 0.2 s, and nothing of the poll interval.
    assert ended[-1] - ended[0] < 3


def test_a_worker_with_blocked_runs_alone_waits_instead_of_asking_on_and_on(
    committing_engine: Engine, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    committing_engine.define(lambda ctx: None, concurrency=[jobs.Concurrency(limit=1)])
    send(range(1000))
    held = threading.Event()
    committing_engine.deploy(lambda ctx: held.wait(20), concurrency=[jobs.Concurrency(limit=1)])
    rounds: list[str] = []
    look, claim = agenda.agenda, gate.claim
    with working(settings, 8) as process:
        pump_until(process, lambda: blocked() == 999)
        monkeypatch.setattr(worker, "agenda", lambda cursor: rounds.append("round") or look(cursor))
        monkeypatch.setattr(gate, "claim", lambda *given: rounds.append("gate") or claim(*given))
        process.pump(3.0)
        held.set()
    # Two polls a second, and what the keeper tells.
    assert rounds.count("round") <= 12
    assert rounds.count("gate") <= 2


def test_a_worker_finds_a_throttled_run_when_its_turn_comes(committing_engine: Engine, settings: Any) -> None:
    settings.JOBS = settings.JOBS | {"POLL_SECONDS": 4.0}
    committing_engine.define(lambda ctx: None, throttle=jobs.Throttle(limit=1, period=300))
    send(range(4))
    with working(settings, 8) as process:
        process.pump(2.0)
    starts = sorted(Run.objects.filter(status=Status.COMPLETED).values_list("started_at", flat=True))
    assert len(starts) == 4
    assert min((later - one).total_seconds() for one, later in itertools.pairwise(starts)) >= 0.3
