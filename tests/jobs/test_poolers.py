"""Behind a transaction pooler and with no setting for it: everything runs, and the log says once what is different."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from jobs import clock, database, pooler
from jobs.listener import Listener
from jobs.models import Run, notifying
from jobs.types import Status
from tests.jobs.cluster import Bench, running, workloads
from tests.jobs.working import WorkedEngine
from tests.standins.pgbouncer import pgbouncer
from tests.standins.postgres_link import rerouted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pooled(transactional_db: None, request: pytest.FixtureRequest) -> Iterator[int]:
    """Django and the engine of this process behind a pooler, with so many sessions."""
    with pgbouncer(connection.settings_dict, size=getattr(request, "param", 6)) as port, rerouted("127.0.0.1", port):
        yield port


@pytest.fixture
def engine(pooled: int) -> Iterator[WorkedEngine]:
    """A real worker behind the pooler."""
    with ExitStack() as stack, clock.shifted():
        yield WorkedEngine(stack)


def through(port: int) -> str:
    """Return the address of the test database behind the pooler at this port."""
    values = connection.settings_dict
    return f"postgresql://{values['USER']}@127.0.0.1:{port}/{values['NAME']}"


def work_thirty(engine: WorkedEngine) -> None:
    engine.define(lambda ctx: [ctx.step.run(f"hello {n}", lambda: "hello") for n in range(3)])
    for _ in range(30):
        engine.send()
    engine.drained(Run.objects.all()[0])


def test_many_runs_complete_behind_a_pooler_that_is_found_out(
    engine: WorkedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    work_thirty(engine)
    assert set(Run.objects.values_list("status", "attempt", "crashes")) == {(Status.COMPLETED, 0, 0)}
    said = [record.getMessage() for record in caplog.records if record.name == "jobs"]
    assert [words[:32] for words in said] == ["A pooler stands between this pro", "LISTEN does not work on this con"]


# Whoever shares the one session finds the names of his statements taken.
@pytest.mark.parametrize("pooled", [1], indirect=True)
def test_many_runs_complete_behind_one_that_looks_like_the_server(
    engine: WorkedEngine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.models.session.server_process", lambda connection: connection.info.backend_pid)
    work_thirty(engine)
    assert set(Run.objects.values_list("status", "attempt", "crashes")) == {(Status.COMPLETED, 0, 0)}
    said = [record for record in caplog.records if "A pooler stands between" in record.getMessage()]
    # Said once, if two connections came to prepare the same statement at all.
    assert len(said) <= 1
    assert not [record for record in caplog.records if record.exc_info]


def test_a_worker_leaves_nothing_behind_in_a_session_of_the_pooler(engine: WorkedEngine, pooled: int) -> None:
    work_thirty(engine)
    with psycopg.connect(through(pooled)) as other:
        for setting, usual in (("enable_seqscan", "on"), ("idle_in_transaction_session_timeout", "0")):
            assert other.execute(f"SHOW {setting}").fetchone() == (usual,)


def test_an_iterator_of_django_reads_to_its_end_behind_a_pooler(engine: WorkedEngine, pooled: int) -> None:
    engine.define(lambda ctx: None)
    for _ in range(9):
        engine.send()
    found = 0
    with psycopg.connect(through(pooled)) as first:
        for _ in Run.objects.iterator(chunk_size=2):
            # Others come between two portions, so that the next one is read in another session.
            found += 1
            first.execute("SELECT 1")
    assert found == 9


def test_a_listener_that_cannot_hear_others_says_so(pooled: int, caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener()
    listener.connection()
    listener.close()
    assert "LISTEN does not work on this connection" in caplog.text


def test_a_listener_at_the_server_itself_hears_and_says_nothing(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener()
    assert not pooler.is_between(listener.connection())
    with psycopg.connect(**database.parameters()) as other:
        notifying.notify(other.cursor())
    begun = time.monotonic()
    listener.wait(5)
    listener.close()
    assert time.monotonic() - begun < 2
    assert caplog.text == ""


def test_a_listening_address_past_the_pooler_is_told_through_it(
    pooled: int, database_url: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.JOBS = settings.JOBS | {"LISTEN_URL": database_url}
    listener = Listener()
    listener.connection()
    listener.close()
    assert "LISTEN" not in caplog.text


def test_a_cluster_behind_a_pooler_completes_its_runs(database_url: str, tmp_path: Path) -> None:
    direct = Bench(database_url, tmp_path)
    with pgbouncer(connection.settings_dict) as port, running(Bench(through(port), tmp_path)):
        direct.send(workloads.steps, count=30, steps=2, seconds=0.05)
        direct.wait_for_all(30)
    said = (tmp_path / "workshop.out").read_text()
    assert direct.repeated() == {}
    assert "Traceback" not in said
    # Each of the two workers, and the process that prepares them.
    assert 1 <= said.count("A pooler stands between") <= 3
    assert said.count("LISTEN does not work") == 2
