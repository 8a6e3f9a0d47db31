"""Tells people of failed runs: an e-mail to ADMINS and a message for chat tools, each at most once in a quarter hour.

Runs of one function that fail with the same error belong together. The first one is told at once; those that follow
within the quarter hour are counted and told together when it is over. Both are durable functions on
`jobs/function.failed`, so a mail server that is away is asked again, and a restart loses no alert.
"""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings as django_settings
from django.core.mail import mail_admins
from django.urls import reverse

from jobs import clock, conf
from jobs.client import client
from jobs.context import ContextSync
from jobs.errors import NonRetriableError
from jobs.function import Function
from jobs.models import Alert
from jobs.redaction import blotted
from jobs.types import FUNCTION_FAILED, TriggerEvent

QUIET = timedelta(minutes=15)
FORGET = timedelta(days=1)
WEBHOOK_TIMEOUT = 10.0
_NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")


def alert_by_email(ctx: ContextSync) -> bool:
    """Tell ADMINS of failed runs, one mail for each function and error."""
    return _alert(ctx, "email", send_mail)


def alert_by_webhook(ctx: ContextSync) -> bool:
    """Post failed runs to the address in `JOBS["ALERT_WEBHOOK"]`, one message for each function and error."""
    return _alert(ctx, "webhook", post)


def register() -> list[Function[Any]]:
    """Define the alerts that somebody would get; without a receiver, failures cost no run of their own."""
    wanted = [alert_by_email] if django_settings.ADMINS else []
    wanted += [alert_by_webhook] if conf.settings().ALERT_WEBHOOK else []
    return [
        client.create_function(
            fn_id=handler.__name__.replace("_", "-"),
            trigger=TriggerEvent(event=FUNCTION_FAILED),
            retries=4,
        )(handler)
        for handler in wanted
    ]


def _alert(ctx: ContextSync, channel: str, tell: Any) -> bool:
    said = facts(ctx.event.data)
    until = ctx.step.transaction("decide", _decide, channel, said)
    if until == "counted":
        return False
    count = 1
    if until:
        ctx.step.sleep_until("wait-for-others", datetime.fromisoformat(until))
        count = ctx.step.transaction("gather", _gather, channel, said)
    ctx.step.run("tell", tell, said, count)
    return True


def facts(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is told of a failure: function, run, last line of the error; nothing of the event's data."""
    error = data.get("error") or {}
    lines = [line.strip() for line in str(error.get("message", "")).splitlines() if line.strip()]
    line = blotted(lines[-1] if lines else str(error.get("name", "")))
    step = str(error.get("step", ""))
    return {"function": str(data["function_id"]), "run": str(data["run_id"]), "step": step, "line": line[:500]}


def _key(channel: str, said: dict[str, str]) -> str:
    # Ids and counts in a message do not make it another error.
    same = "\n".join([channel, said["function"], _NUMBERS.sub("#", said["line"])])
    return hashlib.sha1(same.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _decide(channel: str, said: dict[str, str]) -> str:
    """Return "" to tell now, a time to tell then, or "counted" if somebody else will."""
    now = clock.now()
    fresh = {"told_at": now, "waiting": 0}
    alert, first = Alert.objects.select_for_update().get_or_create(key=_key(channel, said), defaults=fresh)
    quiet_since = now - alert.told_at
    # Somebody who was to tell the others may have been cancelled.
    if first or quiet_since >= (2 * QUIET if alert.waiting else QUIET):
        Alert.objects.filter(pk=alert.pk).update(**fresh)
        old = Alert.objects.select_for_update(skip_locked=True).filter(told_at__lt=now - FORGET)
        Alert.objects.filter(pk__in=old.values("pk")).delete()
        return ""
    Alert.objects.filter(pk=alert.pk).update(waiting=alert.waiting + 1)
    return "counted" if alert.waiting else (alert.told_at + QUIET).isoformat()


def _gather(channel: str, said: dict[str, str]) -> int:
    """Return how many failures wait to be told, and begin the next quarter hour."""
    alert = Alert.objects.select_for_update().filter(key=_key(channel, said)).first()
    if alert is None:
        return 1
    Alert.objects.filter(pk=alert.pk).update(told_at=clock.now(), waiting=0)
    return max(1, alert.waiting)


def address_of(run: str) -> str:
    """Return the address of a run's page, as far as the site knows its own."""
    return f"{getattr(django_settings, 'SITE_URL', '') or ''}{reverse('admin:jobs_run_change', args=[run])}"


def title(said: dict[str, str], count: int) -> str:
    """Return one line that says what failed."""
    return f"{said['function']} failed" if count == 1 else f"{said['function']} failed {count} more times"


def send_mail(said: dict[str, str], count: int) -> None:
    """Send one mail to ADMINS."""
    step = f"Step:     {said['step']}\n" if said["step"] else ""
    body = (
        f"{title(said, count)}.\n\n"
        f"Error:    {said['line']}\n{step}"
        f"Run:      {address_of(said['run'])}\n\n"
        "Open the run to see its steps and to retry it. Further failures with this error are gathered for 15 minutes.\n"
    )
    mail_admins(" ".join(f"{title(said, count)}: {said['line']}".split())[:200], body)


def post(said: dict[str, str], count: int) -> None:
    """Post one message in the form that Slack, Mattermost, Google Chat and Teams' workflows read."""
    text = f"{title(said, count)}: {said['line']}\n{address_of(said['run'])}"
    body = json.dumps({"text": text, **said, "count": count, "url": address_of(said["run"])}).encode()
    request = urllib.request.Request(  # noqa: S310 (the operator's own setting)
        conf.settings().ALERT_WEBHOOK, data=body, headers={"Content-Type": "application/json"}
    )
    try:
        urllib.request.urlopen(request, timeout=WEBHOOK_TIMEOUT).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code in (400, 401, 403, 404, 410):
            raise NonRetriableError(f"The alert webhook answered {error.code}; look at JOBS['ALERT_WEBHOOK']") from None
        raise


FUNCTIONS = register()
