"""What nobody shall read stays hidden wherever a run's words go: pages, CSV, mail, logs."""

import json
import logging
from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from config.logs import LineFormatter
from jobs.admin import payload
from jobs.models import Event
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


SECRET = "s3cr3t-value"
DATA = {"token": SECRET, "n": 1, "body": f'{{"password": "{SECRET}"}}', "keys": [{"apiKey": "a1"}, {"apiKey": "b2"}]}


def _typed(html: str) -> dict[str, Any]:
    area = html[html.index('name="data"') :]
    return json.loads(unescape(area[area.index(">") + 1 : area.index("</textarea>")]))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "press"),
    [
        ("/admin/jobs/run/{run}/", "/admin/jobs/run/{run}/again/"),
        ("/admin/jobs/run/{run}/from/?step=read", "/admin/jobs/run/{run}/from-step/"),
        ("/admin/jobs/event/send/?like={event}&name={name}", "/admin/jobs/event/send/"),
        ("/admin/jobs/event/send/?name={name}", "/admin/jobs/event/send/"),
        ("/admin/jobs/function/stepwell-hello-world/", "/admin/jobs/function/stepwell-hello-world/start/"),
    ],
)
def test_a_form_hides_secrets_and_sends_them_untouched(form: str, press: str) -> None:
    event = an_event("test/hello.world", data=DATA)
    run = a_run(Status.FAILED, function="stepwell-hello-world", events=[event], error=an_error("x", step="ask"))
    a_step(run, "read", output=1)
    names = {"run": run.pk, "event": event.pk, "name": event.name}
    olga = operator()
    html = olga.get(form.format(**names)).content.decode()
    assert SECRET not in html
    typed = _typed(html) | {"n": 2}
    sent = {"data": json.dumps(typed), "like": str(event.pk), "name": event.name, "step": "read"}
    assert olga.post(press.format(**names), sent).status_code == 302
    assert Event.objects.order_by("-pk").first().data == {**DATA, "n": 2}


def test_what_is_hidden_is_put_back_only_where_it_was() -> None:
    shown = redacted(DATA)
    assert payload.restored(shown, DATA) == DATA
    first = {**shown, "keys": [{"apiKey": "new"}, shown["keys"][1]]}
    assert payload.restored(first, DATA)["keys"] == [{"apiKey": "new"}, {"apiKey": "b2"}]
    for wrong in ({"elsewhere": "•••"}, {**shown, "body": "x •••"}, {**shown, "keys": [{"apiKey": "•••"}]}):
        with pytest.raises(payload.UnreadableJSON, match="type the value"):
            payload.restored(wrong, DATA)
    with pytest.raises(payload.UnreadableJSON, match=r"data\.token"):
        payload.restored({"token": "•••"}, None)


@pytest.mark.django_db
def test_a_search_is_no_oracle_for_what_is_hidden() -> None:
    event = an_event("test/hello.world", data={"token": SECRET, "said": f"password={SECRET}", "client_id": 42})
    run = a_run(Status.FAILED, events=[event], error=an_error(f"refused: token={SECRET} at the door"))
    olga = operator()

    def found(address: str) -> bool:
        return str(run.pk) in olga.get(address).content.decode()

    assert found("/admin/jobs/run/?q=data.client_id:42")
    assert found("/admin/jobs/run/?q=at the door")
    assert found("/admin/jobs/run/?error=at the door")
    for guess in (f"data.token:{SECRET}", f"data.said:password={SECRET}", SECRET, "s3cr", "token=s", SECRET.upper()):
        assert not found(f"/admin/jobs/run/?q={guess}"), guess
    for guess in (SECRET, "s3cr", "token=s"):
        assert not found(f"/admin/jobs/run/?error={guess}"), guess
    assert str(event.pk) not in olga.get(f"/admin/jobs/event/?q=data.token:{SECRET}").content.decode()
    csv = b"".join(olga.get(f"/admin/jobs/run/export.csv?q={SECRET}").streaming_content).decode()
    assert str(run.pk) not in csv
