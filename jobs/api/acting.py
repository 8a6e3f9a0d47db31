"""`POST /v1/signals` and `POST /v1/cancellations`: what programs with a key may do to runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime

from jobs import actions, expressions
from jobs.api import bodies
from jobs.api.answers import answer, methods, refusal
from jobs.errors import InvalidEvent, InvalidExpression
from jobs.keys import key_required
from jobs.models.key import Scope
from jobs.registry import registry

MOST = 1000
"""Runs that one request cancels; the answer says whether there may be more."""


@methods("POST")
@key_required(Scope.ACT)
def signals(request: HttpRequest) -> HttpResponse:
    """Send a signal: `{"signal": "...", "data": ...}`."""
    try:
        value = bodies.read_object(request)
        name = value.get("signal")
        if not isinstance(name, str) or not name:
            return refusal(400, 'Say which signal: {"signal": "name", "data": ...}.')
        event_id = actions.send_signal(name, value.get("data"), by=_by(request))
    except InvalidEvent as error:
        return refusal(400, str(error))
    return answer({"data": {"signal": name, "event_id": event_id}})


@methods("POST")
@key_required(Scope.ACT)
def cancellations(request: HttpRequest) -> HttpResponse:
    """Cancel the live runs of a function that were queued in a span of time: `{"function_id": "...",
    "app_id": "...", "started_after": "...", "started_before": "...", "if": "event.data.id == 5"}`."""
    try:
        value = bodies.read_object(request)
        function_id = _function_id(value)
        after, before = _moment(value, "started_after"), _moment(value, "started_before")
        condition = value.get("if")
        if condition is not None:
            expressions.compiled(expressions.bounded(str(condition)))
    except (InvalidEvent, InvalidExpression) as error:
        return refusal(400, str(error))
    if registry.find(function_id) is None:
        return refusal(404, f"No function has the id {function_id[:200]!r}.")
    count = actions.cancel_many(
        function_id, by=_by(request), after=after, before=before, condition=condition, most=MOST
    )
    return answer({"data": {"function_id": function_id, "cancelled": count, "more": count == MOST}}, 201)


def _function_id(value: dict[str, Any]) -> str:
    name, app = value.get("function_id"), value.get("app_id")
    if not isinstance(name, str) or not name or not isinstance(app, str | None):
        raise InvalidEvent('Say which function: {"function_id": "app-name"}, or its name beside an "app_id".')
    return f"{app}-{name}" if app and not name.startswith(f"{app}-") else name


def _moment(value: dict[str, Any], name: str) -> datetime | None:
    given = value.get(name)
    if given is None:
        return None
    try:
        moment = parse_datetime(given) if isinstance(given, str) else None
        moment = moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise InvalidEvent(f"{name} is not a time such as 2026-11-24T09:00:00Z.")
    return moment


def _by(request: HttpRequest) -> str:
    return f"key {request.event_key.name}"  # type: ignore[attr-defined]
