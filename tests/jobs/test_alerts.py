"""Alerts of failed runs: who hears what, how often, and what no message carries."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core import mail

import jobs
import jobs.testing
from jobs import alerts
from jobs.models import Run
from jobs.registry import registry
from jobs.types import Status
from tests.jobs.conftest import Engine


@pytest.fixture
def alarmed(engine: Engine, settings: Any) -> Engine:
    """An engine whose failures are mailed to somebody."""
    settings.ADMINS = [("Ada", "ada@example.com")]
    settings.SITE_URL = "https://calls.example"
    alerts.register()
    return engine


def fail(engine: Engine, message: str = "503 Service Unavailable", times: int = 1, **data: Any) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        raise jobs.NonRetriableError(ctx.event.data["message"])

    if not any(function.fn_id == "work" for function in registry.all()):
        engine.define(body)
    for _ in range(times):
        engine.send(data={"message": message, **data})
    jobs.testing.drain()


def test_the_first_failure_is_told_at_once_with_error_and_address(alarmed: Engine) -> None:
    fail(alarmed)
    (sent,) = mail.outbox
    run = Run.objects.get(function="stepwell-work")
    assert sent.to == ["ada@example.com"]
    assert sent.subject == "[Stepwell] stepwell-work failed: 503 Service Unavailable"
    assert f"https://calls.example/admin/jobs/run/{run.pk}/" in sent.body


def test_further_ones_with_the_same_error_are_gathered_for_a_quarter_of_an_hour(alarmed: Engine) -> None:
    for number in range(5):
        fail(alarmed, f"503 for call {number}")
    assert len(mail.outbox) == 1
    alarmed.pass_time(minutes=14)
    jobs.testing.drain()
    assert len(mail.outbox) == 1
    alarmed.pass_time(minutes=2)
    jobs.testing.drain()
    assert [message.subject for message in mail.outbox[1:]] == [
        "[Stepwell] stepwell-work failed 4 more times: 503 for call 1"
    ]


def test_another_error_is_told_by_itself(alarmed: Engine) -> None:
    fail(alarmed)
    fail(alarmed, "the disk is full")
    assert len(mail.outbox) == 2


def test_after_a_quiet_quarter_of_an_hour_a_failure_is_told_at_once_again(alarmed: Engine) -> None:
    fail(alarmed)
    alarmed.pass_time(minutes=16)
    fail(alarmed)
    assert len(mail.outbox) == 2


def test_nobody_waits_for_ever_for_a_run_that_was_to_tell(alarmed: Engine) -> None:
    fail(alarmed, times=2)
    Run.objects.filter(status=Status.SLEEPING).delete()
    alarmed.pass_time(minutes=31)
    fail(alarmed)
    assert len(mail.outbox) == 2


def test_no_message_carries_data_or_secrets(alarmed: Engine) -> None:
    fail(alarmed, "refused: token=s3cret for Bearer abcdef123456", email="eve@example.com")
    (sent,) = mail.outbox
    for secret in ("s3cret", "abcdef123456", "eve@example.com"):
        assert secret not in sent.subject + sent.body


def test_a_mail_server_that_is_away_is_asked_again(alarmed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    send, calls = alerts.mail_admins, []

    def flaky(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            raise ConnectionRefusedError
        send(*arguments)

    monkeypatch.setattr(alerts, "mail_admins", flaky)
    fail(alarmed)
    assert mail.outbox == []
    alarmed.pass_time(minutes=2)
    jobs.testing.drain()
    assert len(mail.outbox) == 1


def test_without_a_receiver_failures_cost_nothing(engine: Engine, settings: Any) -> None:
    settings.ADMINS = []
    assert alerts.register() == []
    fail(engine)
    assert Run.objects.count() == 1


@pytest.fixture
def chat() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A chat tool's incoming webhook on this machine: its address and what it got."""
    got: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(404 if "gone" in self.path else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


def test_a_chat_tool_gets_a_text_and_the_facts(engine: Engine, settings: Any, chat: Any) -> None:
    address, got = chat
    settings.JOBS = {**settings.JOBS, "ALERT_WEBHOOK": address}
    alerts.register()
    fail(engine)
    (message,) = got
    assert message["text"].startswith("stepwell-work failed: 503 Service Unavailable\n")
    assert (message["function"], message["count"]) == ("stepwell-work", 1)


def test_a_webhook_that_is_gone_is_a_failed_run_with_the_way_out(engine: Engine, settings: Any, chat: Any) -> None:
    settings.JOBS = {**settings.JOBS, "ALERT_WEBHOOK": f"{chat[0]}/gone"}
    alerts.register()
    fail(engine)
    run = Run.objects.get(function="stepwell-alert-by-webhook")
    assert run.status == Status.FAILED
    assert "look at JOBS['ALERT_WEBHOOK']" in run.error["message"]
