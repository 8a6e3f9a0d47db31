"""System checks: every wrong value of JOBS and Q_CLUSTER is named at start-up, with the way out."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register

from jobs import conf, definition, schedule
from jobs.errors import InvalidDefinition
from jobs.registry import registry

TAG = "jobs"
BROKER = "jobs.cluster.broker.TokenBroker"


@dataclass(frozen=True)
class Rule:
    """What one setting must be; `id` is the number of its check."""

    id: str
    name: str
    must: str
    holds: Callable[[Any], bool]


def _whole(least: int, most: int | None = None) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and value >= least and (most is None or value <= most)


def _seconds(least: float, *, above: bool = False) -> Callable[[Any], bool]:
    return lambda value: (
        type(value) in (int, float) and (value > least if above else value >= least) and value < float("inf")
    )


def _is_backoff(value: Any) -> bool:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return callable(value)
    return bool(value) and all(_seconds(0)(delay) for delay in value)


def _is_listen_url(value: Any) -> bool:
    if not isinstance(value, str) or value in ("", "off"):
        return isinstance(value, str)
    try:
        return urlsplit(value).scheme in ("postgres", "postgresql")
    except ValueError:
        return False


def _is_web_address(value: Any) -> bool:
    return isinstance(value, str) and (not value or value.startswith(("https://", "http://")))


def _are_words(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset) and all(isinstance(word, str) and word for word in value)


_SECONDS = "a positive number of seconds"
_NOT_NEGATIVE = "a number of seconds, 0 or more"
RULES = (
    Rule("jobs.E003", "APP_ID", "1 to 100 characters", lambda value: isinstance(value, str) and 1 <= len(value) <= 100),
    Rule("jobs.E004", "THREADS", "a whole number from 1 to 1000", _whole(1, 1000)),
    Rule("jobs.E005", "PUMP_SECONDS", _SECONDS, _seconds(0, above=True)),
    Rule("jobs.E006", "POLL_SECONDS", _SECONDS, _seconds(0, above=True)),
    Rule("jobs.E007", "HEARTBEAT_SECONDS", _SECONDS, _seconds(0, above=True)),
    Rule("jobs.E008", "SILENT_SECONDS", _SECONDS, _seconds(0, above=True)),
    Rule("jobs.E009", "GRACE_SECONDS", _NOT_NEGATIVE, _seconds(0)),
    Rule("jobs.E010", "DRAIN_SECONDS", _NOT_NEGATIVE, _seconds(0)),
    Rule("jobs.E011", "WATCHDOG_SECONDS", _SECONDS, _seconds(0, above=True)),
    Rule("jobs.E012", "POOL_SIZE", "a whole number from 1 to 100", _whole(1, 100)),
    Rule("jobs.E013", "LISTEN_URL", "empty, `off` or an address that starts with postgresql://", _is_listen_url),
    Rule("jobs.E014", "PREPARE", "True, False or None", lambda value: value is None or isinstance(value, bool)),
    Rule("jobs.E015", "RETRIES", "a whole number from 0 to 20", _whole(0, 20)),
    Rule("jobs.E016", "BACKOFF", "a list of seconds with at least one entry, or a callable", _is_backoff),
    Rule("jobs.E017", "JITTER_SECONDS", _NOT_NEGATIVE, _seconds(0)),
    Rule("jobs.E018", "MAX_STEPS", "a whole number from 1 to 10000", _whole(1, 10_000)),
    Rule("jobs.E019", "MAX_CRASHES", "a whole number, 1 or more", _whole(1)),
    Rule("jobs.E020", "RETENTION_DAYS", "a whole number of days; 0 keeps everything", _whole(0)),
    Rule("jobs.E021", "MAX_EVENT_BYTES", "a whole number of bytes, 1 or more", _whole(1)),
    Rule("jobs.E030", "MAX_BODY_BYTES", "a whole number of bytes, 1 or more", _whole(1)),
    Rule("jobs.E022", "MAX_EVENTS", "a whole number, 1 or more", _whole(1)),
    Rule("jobs.E023", "RUN_DIR", "the path of a folder", lambda value: isinstance(value, str) and bool(value)),
    Rule("jobs.E024", "REDACT", "a list of words", _are_words),
    Rule("jobs.E040", "ALERT_WEBHOOK", "empty, or an address that starts with https:// or http://", _is_web_address),
    Rule("jobs.E025", "PROTECTED_EVENTS", "a list of event names", _are_words),
    Rule("jobs.E026", "PRELOAD", "a list of module names", _are_words),
)


@register(TAG)
def check_settings(**_: Any) -> list[CheckMessage]:
    """Name what is wrong with JOBS."""
    given = getattr(django_settings, "JOBS", {})
    if not isinstance(given, dict):
        return [Error("JOBS is not a dict.", hint='Write it as JOBS = {"THREADS": 100}.', id="jobs.E001")]
    found: list[CheckMessage] = [_unknown(name) for name in sorted(map(str, set(given) - set(_known())))]
    found += [
        _wrong(rule, given[rule.name]) for rule in RULES if rule.name in given and not rule.holds(given[rule.name])
    ]
    # Settings are compared with each other only once each of them makes sense.
    return found or _together(conf.settings())


def _known() -> list[str]:
    return [field.name for field in fields(conf.JobsSettings)]


def _unknown(name: str) -> Error:
    close = difflib.get_close_matches(name.upper(), _known(), n=1)
    hint = f"Did you mean {close[0]}?" if close else f"It knows {', '.join(_known())}."
    return Error(f"JOBS has no setting {name!r}.", hint=hint, id="jobs.E002")


def _wrong(rule: Rule, value: Any) -> Error:
    default = getattr(conf.JobsSettings(), rule.name)
    hint = f"Leave it out for its default, {default!r}."
    # An address may hold a password, and findings end up in logs.
    given = "what it is" if rule.name == "LISTEN_URL" else repr(value)
    return Error(f"JOBS[{rule.name!r}] must be {rule.must}, not {given}.", hint=hint, id=rule.id)


def _together(jobs: conf.JobsSettings) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if jobs.SILENT_SECONDS < 2 * jobs.HEARTBEAT_SECONDS:
        words = (
            f"Workers that say they live every {jobs.HEARTBEAT_SECONDS:g} s are dead after {jobs.SILENT_SECONDS:g} s."
        )
        hint = "Make JOBS['SILENT_SECONDS'] at least twice HEARTBEAT_SECONDS, or busy workers lose their runs."
        found.append(Error(words, hint=hint, id="jobs.E025"))
    if jobs.WATCHDOG_SECONDS <= jobs.SILENT_SECONDS:
        hint = "Make JOBS['WATCHDOG_SECONDS'] longer: it ends the whole cluster, where a takeover is enough."
        words = "The watchdog acts before a worker counts as silent."
        found.append(Warning(words, hint=hint, id="jobs.W001"))
    if jobs.MAX_BODY_BYTES < jobs.MAX_EVENT_BYTES:
        words = (
            f"Requests over {jobs.MAX_BODY_BYTES:,} bytes are refused, but an event may have {jobs.MAX_EVENT_BYTES:,}."
        )
        hint = "Raise JOBS['MAX_BODY_BYTES'] or lower JOBS['MAX_EVENT_BYTES']."
        found.append(Warning(words, hint=hint, id="jobs.W002"))
    return found


@register(TAG)
def check_cluster(**_: Any) -> list[CheckMessage]:
    """Name what in Q_CLUSTER would lose, repeat or slow down work."""
    cluster = getattr(django_settings, "Q_CLUSTER", None)
    if not isinstance(cluster, dict):
        hint = f'Write it as Q_CLUSTER = {{"broker_class": "{BROKER}", ...}}; config/settings.py shows the rest.'
        return [Error("Q_CLUSTER is missing, so workers cannot start.", hint=hint, id="jobs.E101")]
    return [*_app_order(), *_cluster_errors(cluster), *_cluster_warnings(cluster)]


@register(TAG)
def check_functions(**_: Any) -> list[CheckMessage]:
    """Name the definitions that were refused, the expressions that cannot be read, and crons that never tick."""
    found: list[CheckMessage] = [
        Error(f"{error.words}.", hint=error.hint or None, id="jobs.E203") for error in registry.refused
    ]
    for function in registry.all():
        for what, wrong in definition.wrong_expressions(function):
            hint = "CEL is described at cel.dev; strings are quoted inside, as in event.data.kind == 'a'."
            words = f"{function.id} has a {what} that cannot be read: {wrong}."
            found.append(Error(words, hint=hint, obj=function.source, id="jobs.E202"))
        for what, value in definition.short_durations(function):
            hint = f"Write timedelta(seconds={value}) if seconds are meant, or timedelta(milliseconds={value}) if not."
            words = f"{function.id} has {what}={value}, which is {value} milliseconds."
            found.append(Warning(words, hint=hint, obj=function.source, id="jobs.W003"))
        for trigger in function.crons:
            try:
                schedule.parse(trigger.cron)
            except InvalidDefinition as error:
                words = f"{function.id} has a schedule that cannot be read: {error}."
                hint = 'Write five fields, e.g. "0 9 * * 1-5" or "TZ=Europe/Paris 0 9 * * *".'
                found.append(Error(words, hint=hint, obj=function.source, id="jobs.E201"))
    return found


def _app_order() -> list[CheckMessage]:
    apps = [str(app).partition(".apps.")[0] for app in django_settings.INSTALLED_APPS]
    if "django_q" not in apps:
        return [Error("django_q is not installed.", hint='Add "django_q" after "jobs".', id="jobs.E102")]
    if apps.index("jobs") > apps.index("django_q"):
        hint = 'In INSTALLED_APPS, put "jobs" before "django_q".'
        return [Error("django-q2's own qcluster command hides ours.", hint=hint, id="jobs.E102")]
    return []


def _cluster_errors(cluster: dict[str, Any]) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if cluster.get("broker_class") != BROKER:
        words = f"Q_CLUSTER['broker_class'] is {cluster.get('broker_class')!r}: workers would never look for runs."
        found.append(Error(words, hint=f'Set it to "{BROKER}".', id="jobs.E103"))
    if cluster.get("sync"):
        hint = "Remove Q_CLUSTER['sync']; jobs.testing executes runs inline in tests."
        found.append(Error("Q_CLUSTER['sync'] executes work where it is sent.", hint=hint, id="jobs.E104"))
    workers = cluster.get("workers")
    if workers is not None and not _whole(1)(workers):
        words = f"Q_CLUSTER['workers'] must be a whole number, 1 or more, not {workers!r}."
        found.append(Error(words, hint="Two are a good start; each executes many runs at once.", id="jobs.E105"))
    return found


# The reasons are what a stock cluster does when something dies; docs/operators.md tells the whole story.
_WANTED: tuple[tuple[str, str, Any, Any, str], ...] = (
    ("jobs.W101", "save_limit", 250, -1, "every token would leave a row, and trimming those costs milliseconds each"),
    ("jobs.W102", "scheduler", True, False, "its scheduler is not used and asks the database all the time"),
    ("jobs.W103", "bulk", 1, 1, "tokens would be fetched in heaps that no worker can use"),
    ("jobs.W104", "queue_limit", None, 1, "tokens would pile up inside the cluster"),
)


def _cluster_warnings(cluster: dict[str, Any]) -> list[CheckMessage]:
    found: list[CheckMessage] = [
        Warning(
            f"Q_CLUSTER[{name!r}] is {cluster.get(name, default)!r}: {reason}.", hint=f"Set it to {wanted!r}.", id=check
        )
        for check, name, default, wanted, reason in _WANTED
        if cluster.get(name, default) != wanted
    ]
    for check, name in (("jobs.W105", "recycle"), ("jobs.W106", "max_rss")):
        if not cluster.get(name):
            hint = f"Set Q_CLUSTER[{name!r}], so that a worker that grows is replaced."
            found.append(Warning(f"Q_CLUSTER[{name!r}] is not set.", hint=hint, id=check))
    cycle = cluster.get("guard_cycle", 0.5)
    if not (_seconds(0, above=True)(cycle) and cycle <= 1):
        words = f"Q_CLUSTER['guard_cycle'] is {cycle!r}: dead workers are noticed late."
        found.append(Warning(words, hint="Set it to 0.5.", id="jobs.W107"))
    timeout, retry = cluster.get("timeout"), cluster.get("retry", 60)
    if timeout is None or not (_seconds(0)(timeout) and _seconds(0)(retry) and retry > timeout):
        words = f"Q_CLUSTER['retry'] ({retry!r}) is not longer than 'timeout' ({timeout!r})."
        hint = "Set both, retry the longer one; django-q2 gives out again what was not done after retry."
        found.append(Warning(words, hint=hint, id="jobs.W108"))
    return found
