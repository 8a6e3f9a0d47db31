"""Many calls on a real cluster, with a model that takes its time: each question is asked, and paid for, once."""

import os
from dataclasses import replace

import pytest

from tests.jobs.cluster import Bench, running, wait_until
from tests.standins import gemini as standin
from tests.transcripts.conftest import CALL
from transcripts.models import Status, Transcript

CALLS = 20
# The figure of the field is 25 s; the shorter one outlasts a silence of the settings below as well.
MODEL_SECONDS = float(os.environ.get("MODEL_SECONDS", "6"))
SETTINGS = {"HEARTBEAT_SECONDS": 0.5, "SILENT_SECONDS": 2}


@pytest.fixture
def gemini(monkeypatch, settings):
    with standin.GeminiStandIn().running() as server:
        server.script(replace(standin.found({"pain_points": ["Slow"], "people": []}), delay=MODEL_SECONDS))
        monkeypatch.setenv("GEMINI_API_KEY", "key-for-tests-51c0")
        monkeypatch.setenv("GEMINI_API_ENDPOINT", server.url)
        monkeypatch.setenv("CLUSTER_MEDIA", str(settings.MEDIA_ROOT))
        yield server


def test_a_slow_model_is_asked_once_for_each_call(transactional_db, database_url, tmp_path, stored, gemini):
    with running(Bench(database_url, tmp_path), **SETTINGS) as cluster:
        before = cluster.workers()
        for number in range(CALLS):
            stored(f"{CALL}Anna Berg (Northwind): And plant {number} waits for them, too.\n", name=f"{number}.txt")
        done = Transcript.objects.filter(status=Status.COMPLETED)
        wait_until(lambda: done.count() == CALLS, MODEL_SECONDS * 2 + 30, "all calls are read")
        assert cluster.workers() == before
    assert len(gemini.asked) == CALLS
