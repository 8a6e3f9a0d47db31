"""`GET /v1/…`: events, and what became of the runs they started, for programs with a key."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from jobs import actions
from jobs.api.answers import answer, methods, refusal
from jobs.keys import key_required
from jobs.models import Event, Run, RunEvent
from jobs.models.key import Scope
from jobs.types import Status


@methods("GET")
@key_required(Scope.READ)
def event(request: HttpRequest, event_id: str) -> HttpResponse:
    """Return one event."""
    found = _event(event_id)
    return answer({"data": _event_data(found)}) if found else _no_event(event_id)


@methods("GET")
@key_required(Scope.READ)
def runs_of_event(request: HttpRequest, event_id: str) -> HttpResponse:
    """Return the runs that an event started, oldest first."""
    found = _event(event_id)
    if found is None:
        return _no_event(event_id)
    return answer({"data": [_run_data(run, found.id) for run in found.runs.order_by("id")]})


@methods("GET", "DELETE")
@key_required(Scope.READ, DELETE=Scope.ACT)
def run(request: HttpRequest, run_id: str) -> HttpResponse:
    """Return one run; DELETE cancels it first."""
    found = run_of(run_id)
    if found is None:
        return refusal(404, f"No run has the id {run_id[:80]!r}.")
    if request.method == "DELETE":
        return _cancelled(request, found)
    return answer({"data": _run_data(found, _first_event(found))})


def _cancelled(request: HttpRequest, found: Run) -> HttpResponse:
    actions.cancel(found, by=f"key {request.event_key.name}")  # type: ignore[attr-defined]
    found.refresh_from_db()
    # A second DELETE of the same run finds it cancelled, which is what it asked for.
    if found.status == Status.CANCELLED:
        return answer({"data": _run_data(found, _first_event(found))})
    return refusal(409, f"This run is {found.get_status_display().lower()}, so there is nothing to cancel.")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _event(event_id: str) -> Event | None:
    pk = _uuid(event_id)
    return Event.objects.filter(pk=pk).first() if pk else None


def run_of(run_id: str) -> Run | None:
    """Return the run with an id that may be any text."""
    pk = _uuid(run_id)
    return Run.objects.filter(pk=pk).first() if pk else None


def _no_event(event_id: str) -> HttpResponse:
    return refusal(404, f"No event has the id {event_id[:80]!r}.")


def _first_event(found: Run) -> UUID | None:
    links = RunEvent.objects.filter(run_id=found.id).order_by("position")
    return links.values_list("event_id", flat=True).first()


def _event_data(found: Event) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "data": found.data,
        "ts": found.ts,
        "received_at": found.received_at,
        "external_id": found.external_id,
        "duplicate": found.duplicate,
        "source": found.source,
    }


def _run_data(found: Run, event_id: UUID | None) -> dict[str, Any]:
    return {
        "run_id": found.id,
        "status": found.status,
        "function_id": found.function,
        "run_started_at": found.started_at,
        "ended_at": found.ended_at,
        "output": found.output,
        "error": _error(found.error),
        "event_id": event_id,
    }


def _error(error: dict[str, Any] | None) -> dict[str, Any] | None:
    # The stack stays with those who may see the code.
    return error if not isinstance(error, dict) else {name: value for name, value in error.items() if name != "stack"}
