"""System checks: each wrong value has its number, its words and a way out."""

from typing import Any

import pytest
from django.conf import settings as site
from django.core.checks import run_checks

import jobs
from jobs import checks, conf, testing
from jobs.registry import registry

GOOD_CLUSTER = site.Q_CLUSTER


def found() -> dict[str, Any]:
    return {message.id: message for message in run_checks(tags=["jobs"])}


def test_the_site_itself_has_nothing_to_complain_about() -> None:
    assert run_checks(tags=["jobs"]) == []


def test_every_setting_has_a_rule_and_every_default_keeps_it() -> None:
    defaults = conf.JobsSettings()
    assert {rule.name for rule in checks.RULES} == set(vars(defaults))
    assert [rule.name for rule in checks.RULES if not rule.holds(getattr(defaults, rule.name))] == []
    assert len({rule.id for rule in checks.RULES}) == len(checks.RULES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_ID", ""),
        ("APP_ID", 5),
        ("THREADS", 0),
        ("THREADS", "many"),
        ("THREADS", True),
        ("THREADS", 1.5),
        ("PUMP_SECONDS", 0),
        ("POLL_SECONDS", -1),
        ("POLL_SECONDS", "fast"),
        ("HEARTBEAT_SECONDS", 0),
        ("SILENT_SECONDS", None),
        ("GRACE_SECONDS", -1),
        ("DRAIN_SECONDS", float("inf")),
        ("WATCHDOG_SECONDS", False),
        ("POOL_SIZE", 0),
        ("LISTEN_URL", "mysql://here/db"),
        ("LISTEN_URL", None),
        ("LISTEN_URL", "postgresql://[broken"),
        ("PREPARE", "no"),
        ("RETRIES", 21),
        ("RETRIES", -1),
        ("BACKOFF", []),
        ("BACKOFF", [1, -1]),
        ("BACKOFF", "15"),
        ("BACKOFF", 15),
        ("JITTER_SECONDS", float("nan")),
        ("MAX_STEPS", 10_001),
        ("MAX_CRASHES", 0),
        ("RETENTION_DAYS", -1),
        ("RETENTION_DAYS", 1.5),
        ("MAX_EVENT_BYTES", 0),
        ("MAX_EVENTS", 0),
        ("RUN_DIR", ""),
        ("REDACT", "password"),
        ("REDACT", [5]),
    ],
)
def test_a_wrong_value_is_an_error_with_its_own_number(settings: Any, name: str, value: Any) -> None:
    settings.JOBS = {name: value}
    rule = next(rule for rule in checks.RULES if rule.name == name)
    [message] = run_checks(tags=["jobs"])
    assert (message.id, message.is_serious()) == (rule.id, True)
    assert name in message.msg
    assert (repr(value) in message.msg) == (name != "LISTEN_URL")
    assert "default" in message.hint


@pytest.mark.parametrize("backoff", [[0], (1, 2.5), lambda attempt: attempt * 2])
def test_a_backoff_may_be_a_list_or_a_callable(settings: Any, backoff: Any) -> None:
    settings.JOBS = {"BACKOFF": backoff}
    assert run_checks(tags=["jobs"]) == []


@pytest.mark.parametrize("address", ["", "off", "postgresql://db/name", "postgres://db/name"])
def test_a_listen_url_may_be_off_or_an_address(settings: Any, address: str) -> None:
    settings.JOBS = {"LISTEN_URL": address}
    assert run_checks(tags=["jobs"]) == []


def test_a_misspelt_name_comes_with_the_right_one(settings: Any) -> None:
    settings.JOBS = {"THREAD": 5, "NOTHING_LIKE_IT": 1}
    messages = run_checks(tags=["jobs"])
    assert [message.id for message in messages] == ["jobs.E002", "jobs.E002"]
    assert "THREADS" in messages[1].hint


def test_settings_that_are_no_dict_are_an_error(settings: Any) -> None:
    settings.JOBS = ["THREADS"]
    assert list(found()) == ["jobs.E001"]


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({"HEARTBEAT_SECONDS": 10, "SILENT_SECONDS": 15}, "jobs.E025"),
        ({"WATCHDOG_SECONDS": 5}, "jobs.W001"),
        ({"MAX_EVENT_BYTES": 10**9}, "jobs.W002"),
    ],
)
def test_settings_that_contradict_each_other_are_named(settings: Any, given: dict[str, Any], number: str) -> None:
    settings.JOBS = given
    assert list(found()) == [number]


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"broker_class": None}, "jobs.E103"),
        ({"broker_class": "django_q.brokers.orm.ORM"}, "jobs.E103"),
        ({"sync": True}, "jobs.E104"),
        ({"workers": 0}, "jobs.E105"),
        ({"workers": "two"}, "jobs.E105"),
        ({"save_limit": 250}, "jobs.W101"),
        ({"scheduler": True}, "jobs.W102"),
        ({"bulk": 5}, "jobs.W103"),
        ({"queue_limit": 4}, "jobs.W104"),
        ({"recycle": 0}, "jobs.W105"),
        ({"max_rss": None}, "jobs.W106"),
        ({"guard_cycle": 5}, "jobs.W107"),
        ({"guard_cycle": "slow"}, "jobs.W107"),
        ({"timeout": 60, "retry": 60}, "jobs.W108"),
        ({"timeout": None}, "jobs.W108"),
    ],
)
def test_what_would_hurt_in_the_cluster_is_named(settings: Any, changes: dict[str, Any], number: str) -> None:
    settings.Q_CLUSTER = {**GOOD_CLUSTER, **changes}
    messages = found()
    assert list(messages) == [number]
    assert messages[number].is_serious() == ("E" in number)
    assert messages[number].hint


@pytest.mark.parametrize("name", ["save_limit", "scheduler", "queue_limit", "recycle", "max_rss", "broker_class"])
def test_leaving_out_what_is_wrong_by_default_is_named_too(settings: Any, name: str) -> None:
    settings.Q_CLUSTER = {key: value for key, value in GOOD_CLUSTER.items() if key != name}
    [message] = run_checks(tags=["jobs"])
    assert name in message.msg


def test_a_missing_cluster_is_an_error(settings: Any) -> None:
    del settings.Q_CLUSTER
    assert list(found()) == ["jobs.E101"]


def test_our_qcluster_command_must_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by the settings fixture, which would load all apps anew in this order.
    monkeypatch.setattr(site, "INSTALLED_APPS", ["django_q", "jobs"])
    assert list(found()) == ["jobs.E102"]
    monkeypatch.setattr(site, "INSTALLED_APPS", ["jobs"])
    assert list(found()) == ["jobs.E102"]
    monkeypatch.setattr(site, "INSTALLED_APPS", ["jobs.apps.JobsConfig", "django_q"])
    assert list(found()) == []


@pytest.mark.parametrize("cron", ["* * *", "99 * * * *", "TZ=Nowhere/Town 0 9 * * *", "0 0 30 2 *"])
def test_a_schedule_that_never_ticks_is_an_error(cron: str) -> None:
    with registry.isolated():

        @jobs.create_function(fn_id="nightly", trigger=jobs.TriggerCron(cron=cron))
        def nightly(ctx: jobs.ContextSync) -> None:
            """Never."""

        messages = found()
    assert list(messages) == ["jobs.E201"]
    assert "stepwell-nightly" in messages["jobs.E201"].msg


def test_a_bare_number_under_a_thousand_may_have_been_meant_as_seconds() -> None:
    with testing.registry():
        trigger = jobs.TriggerEvent(event="test/event")
        jobs.create_function(fn_id="short", trigger=trigger, timeouts=jobs.Timeouts(finish=30))(lambda ctx: None)
        jobs.create_function(fn_id="long", trigger=trigger, timeouts=jobs.Timeouts(finish=30_000))(lambda ctx: None)
        [found] = checks.check_functions()
    assert (found.id, found.msg) == ("jobs.W003", "stepwell-short has timeouts: finish=30, which is 30 milliseconds.")
