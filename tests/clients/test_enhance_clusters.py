"""Enhancements on a real cluster: never more than three at once, no slot for a sleeper, and one count after a kill."""

import psycopg
import pytest

import jobs
from clients import events
from clients.models import AIStatus, Client
from jobs.models import Run, Step
from jobs.types import StepStatus
from tests.jobs.cluster import Bench, kill, running, wait_until
from tests.standins import openai as standin
from tests.standins.openai import OpenAIStandIn

pytestmark = [pytest.mark.slow]

LIMIT = 3


@pytest.fixture
def provider(monkeypatch):
    with OpenAIStandIn().running() as server:
        monkeypatch.setenv("OPENAI_API_KEY", standin.KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


def requested(count):
    """Ask for so many clients to be enhanced."""
    clients = Client.objects.bulk_create(
        Client(name=f"Client {number}", domain=f"c{number}.example") for number in range(count)
    )
    jobs.send_sync([jobs.Event(name=events.ENHANCE, data=events.data_of(client)) for client in clients])
    return clients


def enhanced():
    return Client.objects.filter(ai_status=AIStatus.COMPLETED).count()


def own_runs():
    return Run.objects.filter(function__endswith=events.ENHANCE_SUFFIX)


def test_two_workers_together_never_ask_more_than_three_at_once(database_url, tmp_path, provider):
    provider.script(standin.said(standin.enrichment(), delay=0.4))
    with running(Bench(database_url, tmp_path)) as cluster:
        assert len(cluster.workers()) == 2
        requested(24)
        wait_until(lambda: enhanced() == 24, 60, "all are enhanced")
    assert provider.most_open == LIMIT
    assert len(provider.asked) == 24
    # Both workers had their share, so the limit is not one worker's own.
    assert own_runs().values("worker").distinct().count() == 2


def test_a_run_that_waits_for_the_limit_holds_neither_worker_nor_slot(database_url, tmp_path, provider):
    limits = [standin.limited("600")] * LIMIT
    provider.script(*limits, standin.said(standin.enrichment()))
    with running(Bench(database_url, tmp_path)):
        requested(10)
        wait_until(lambda: enhanced() == 10 - LIMIT, 60, "the others are enhanced")
        waiting = own_runs().filter(status=Run.Status.SLEEPING)
        assert waiting.count() == LIMIT
        assert Client.objects.filter(ai_status=AIStatus.PROCESSING).count() == LIMIT
    assert len(provider.asked) == 10


def test_a_worker_killed_behind_the_answer_pays_and_counts_once(database_url, tmp_path, provider):
    provider.script(standin.said(standin.enrichment(), delay=1.5))
    with running(Bench(database_url, tmp_path)) as cluster, psycopg.connect(database_url) as holder:
        (client,) = requested(1)
        wait_until(lambda: provider.open == 1, 30, "the model is asked")
        # Whoever wants to store the answer waits for this row.
        holder.execute("SELECT 1 FROM clients_client WHERE id = %s FOR UPDATE", [client.pk])
        done = Step.objects.filter(name="process-data", status=StepStatus.COMPLETED)
        wait_until(done.exists, 30, "the answer is journaled and sorted out")
        for worker in cluster.workers():
            kill(worker)
        holder.rollback()
        wait_until(lambda: enhanced() == 1, 60, "another worker stores it")
        wait_until(lambda: own_runs().filter(status="COMPLETED").exists(), 30, "the run ends")
    client.refresh_from_db()
    assert (client.ai_enhancement_count, client.ai_input_tokens, len(provider.asked)) == (1, 300, 1)
    assert client.competitors.count() == 2
