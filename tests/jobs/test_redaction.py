"""What nobody shall read stays hidden wherever a run's words go: pages, CSV, mail, logs."""

import logging
from typing import Any

import pytest
from django.urls import reverse

from config.logs import LineFormatter
from jobs.redaction import blotted, redacted
from jobs.types import Status, StepStatus
from tests.jobs.admin import operator
from tests.jobs.factories import a_line, a_run, a_step, an_attempt, an_error, an_event


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token=abc rest", "token=••• rest"),
        ('{"api_key": "abc", "n": 1}', '{"api_key": •••, "n": 1}'),
        ("password: hunter2, user: ada", "password: •••, user: ada"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer •••"),
        ("postgresql://ada:hunter2@db/x", "postgresql://ada:•••@db/x"),
        ("the tokens were counted: 412", "the tokens were counted: 412"),
        ("MY_SECRET=abc", "MY_SECRET=•••"),
    ],
)
def test_text_loses_what_follows_a_secret_key_and_nothing_else(text: str, shown: str) -> None:
    assert blotted(text) == shown


def test_own_keys_are_hidden_as_well(settings: Any) -> None:
    settings.JOBS = {**settings.JOBS, "REDACT": ("iban",)}
    assert redacted({"IBAN": "DE1", "token": "x"}) == {"IBAN": "•••", "token": "x"}
    assert blotted("iban=DE1") == "iban=•••"


@pytest.mark.django_db
def test_no_page_shows_a_secret_from_data_outputs_errors_logs_or_attempts() -> None:
    secret = "s3cr3t-value"
    event = an_event(data={"deep": [{"token": secret}]})
    said = f"refused: token={secret}"
    run = a_run(Status.FAILED, events=[event], error={**an_error(said, step="ask"), "stack": f"token={secret}"})
    a_step(run, "read", output={"password": secret})
    attempts = [an_attempt(n, run.started_at, message=said) for n in (1, 2)]
    a_step(run, "ask", StepStatus.FAILED, attempts=attempts, error=an_error(said), output=None)
    a_line(run, f"asking with api_key={secret}")
    olga = operator()
    for address in (
        "/admin/",
        "/admin/jobs/run/",
        reverse("admin:jobs_run_change", args=[run.pk]),
        reverse("admin:jobs_event_change", args=[event.pk]),
        f"/admin/jobs/event/send/?name={event.name}",
        "/admin/jobs/function/stepwell-hello-world/",
        reverse("admin:jobs_run_export"),
    ):
        answer = olga.get(address)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert secret not in body.decode(), address


def test_log_lines_of_processes_lose_secrets() -> None:
    record = logging.makeLogRecord({"msg": "asking with token=%s", "args": ("abc",), "levelname": "INFO"})
    assert LineFormatter().format(record).endswith("asking with token=•••")
