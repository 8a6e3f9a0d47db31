"""The management commands, as a person at a terminal meets them."""

import io
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

import jobs
from jobs import clock, testing
from jobs.models import Event, EventKey, Run, Worker
from jobs.types import Source

pytestmark = pytest.mark.django_db


def run_command(*words: str, out: io.StringIO | None = None) -> tuple[str, str]:
    out, err = out or io.StringIO(), io.StringIO()
    call_command(*words, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def functions() -> Iterator[None]:
    with testing.registry():

        @jobs.create_function(fn_id="greet", trigger=jobs.TriggerEvent(event="test/greet"), retries=0)
        def greet(ctx: jobs.ContextSync) -> None:
            """Greet one person."""

        @jobs.create_function(
            fn_id="nightly",
            trigger=[jobs.TriggerCron(cron="TZ=Europe/Paris 0 3 * * *"), jobs.TriggerEvent(event="test/night")],
        )
        def nightly(ctx: jobs.ContextSync) -> None:
            """Tidy up."""

        yield


def test_send_stores_an_event_and_says_what_it_starts(functions: None) -> None:
    out, err = run_command("jobs_send", "test/greet", "--data", '{"name": "Ada"}', "--id", "once")
    event = Event.objects.get()
    assert (event.data, event.external_id, event.source) == ({"name": "Ada"}, "once", Source.MANUAL)
    assert str(event.id) in out
    assert "starts 1 run." in out
    assert err == ""


def test_send_says_when_nothing_listens_and_who_would(functions: None) -> None:
    _, err = run_command("jobs_send", "test/great")
    assert "Nothing listens to 'test/great'" in err
    assert "test/greet" in err
    assert Event.objects.count() == 1


def test_following_an_event_that_starts_nothing_is_a_failure(functions: None) -> None:
    with pytest.raises(CommandError, match="Nothing listens"):
        run_command("jobs_send", "test/great", "--follow")


def test_send_says_that_an_id_was_seen_before(functions: None) -> None:
    run_command("jobs_send", "test/greet", "--id", "once")
    out, _ = run_command("jobs_send", "test/greet", "--id", "once")
    assert "seen within the last 24 hours" in out
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", "line 1, column 2"),
        ('{"a": 1,\n  b: 2}', "line 2, column 3"),
        ("[1]", "must be a JSON object"),
        ('{"a": NaN}', "NaN"),
        ("", "line 1, column 1"),
        ('{"a": ' + "[" * 100_000, "not JSON"),
    ],
)
def test_wrong_json_is_pointed_at(data: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run_command("jobs_send", "test/greet", "--data", data)
    assert not Event.objects.exists()


@pytest.mark.parametrize("name", ["", "n" * 256, "jobs/function.failed", "a\0b"])
def test_a_name_that_no_event_may_have_is_refused_in_words(name: str) -> None:
    with pytest.raises(CommandError, match="event"):
        run_command("jobs_send", name)
    assert not Event.objects.exists()


def test_list_shows_what_starts_each_function_and_where_it_is(functions: None) -> None:
    out, _ = run_command("jobs_list")
    greet, _, nightly = out.partition("stepwell-nightly")
    assert "stepwell-greet  Greet one person." in greet
    assert "event      test/greet" in greet
    assert "retries    0" in greet
    assert f"source     {__name__}:" in greet
    assert "TZ=Europe/Paris 0 3 * * *  (next 20" in nightly
    assert "event      test/night" in nightly
    assert "2 functions" in out


def test_list_helps_when_there_is_nothing_yet() -> None:
    with testing.registry():
        assert "create_function" in run_command("jobs_list")[0]


def test_the_site_lists_its_own_functions() -> None:
    out, _ = run_command("jobs_list")
    assert "stepwell-hello-world" in out
    assert "test/hello.world" in out


def test_check_is_content_with_a_working_site() -> None:
    EventKey.make("shop")
    Worker.objects.create(id=uuid4(), host="here", pid=1, started_at=clock.now(), seen_at=clock.now())
    assert "0 warnings, no errors" in run_command("jobs_check")[0]


def test_check_warns_of_missing_keys_and_workers_without_failing() -> None:
    out, _ = run_command("jobs_check")
    assert "jobs.W204" in out
    assert "jobs.W205" in out
    assert "2 warnings, no errors" in out


def test_check_warns_of_tables_that_are_not_up_to_date() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobs'")
    assert "manage.py migrate" in run_command("jobs_check")[0]


def test_check_warns_when_no_function_is_defined() -> None:
    with testing.registry():
        assert "jobs.W201" in run_command("jobs_check")[0]


def test_check_fails_on_a_wrong_setting_and_prints_it(settings: Any) -> None:
    settings.JOBS = {"THREADS": "many"}
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of 1 findings"):
        run_command("jobs_check", out=out)
    assert "jobs.E004" in out.getvalue()
    assert "'many'" in out.getvalue()


@pytest.mark.parametrize("words", [["jobs_send", "test/greet"], ["jobs_key", "shop"]])
def test_missing_tables_are_said_in_one_sentence(words: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_event RENAME TO old_event; ALTER TABLE jobs_eventkey RENAME TO old_eventkey")
    with pytest.raises(CommandError, match=r"manage\.py migrate"):
        run_command(*words)


@pytest.mark.parametrize("words", [["jobs_send", "test/greet"], ["jobs_key", "shop"]])
def test_an_absent_database_is_said_in_one_sentence(words: list[str]) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("connection refused\nIs the server running?")

    with connection.execute_wrapper(away), pytest.raises(CommandError, match=r"is away \(connection refused\);"):
        run_command(*words)


def test_a_key_is_printed_once_alone_and_works() -> None:
    out, err = run_command("jobs_key", "shop")
    secret = out.strip()
    found = EventKey.find(secret)
    assert found is not None
    assert found.name == "shop"
    assert secret not in err
    assert secret not in str(list(EventKey.objects.values()))


def test_a_name_is_taken_once() -> None:
    run_command("jobs_key", "shop")
    with pytest.raises(CommandError, match="already"):
        run_command("jobs_key", "shop")
    assert EventKey.objects.count() == 1


@pytest.mark.parametrize("name", ["", " ", "n" * 101, "a\0b"])
def test_a_key_needs_a_proper_name(name: str) -> None:
    with pytest.raises(CommandError, match="1 to 100"):
        run_command("jobs_key", name)


def test_a_revoked_key_stops_working_and_may_be_revoked_again() -> None:
    secret = run_command("jobs_key", "shop")[0].strip()
    assert "is revoked" in run_command("jobs_key", "shop", "--revoke")[0]
    assert EventKey.find(secret) is None
    assert "was revoked before" in run_command("jobs_key", "shop", "--revoke")[0]


def test_revoking_an_unknown_key_names_the_known_ones() -> None:
    run_command("jobs_key", "shop")
    with pytest.raises(CommandError, match=r"known: shop\."):
        run_command("jobs_key", "shpo", "--revoke")
