"""The Events pages: what came in, what it started, and sending one by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods
from pydantic import ValidationError

from jobs import actions, identity
from jobs import events as sending
from jobs.admin import payload, presenting
from jobs.admin.filtering import PAGE
from jobs.admin.pages import ConsolePage, Route, posted
from jobs.errors import InvalidEvent
from jobs.models import Event
from jobs.registry import registry
from jobs.selection import data_pair, events_with
from jobs.types import Event as EventValue
from jobs.types import Source

RECENT = 500


class EventPages(ConsolePage):
    """Everything about events."""

    def routes(self) -> list[Route]:
        """Return the pages and actions of events."""
        return [
            ("send/", "send", self.send),
            ("starts/", "starts", self.starts),
            ("signal/", "signal", self.signal),
            ("<uuid:event_id>/", "change", self.event),
        ]

    def listing(self, request: HttpRequest) -> dict[str, Any]:
        """Return the newest events that the address asks for, and how many runs each started."""
        text, before = request.GET.get("q", "").replace("\0", "").strip(), identity.read(request.GET.get("before", ""))
        if data_pair(text) and not request.user.has_perm("jobs.view_payload"):
            text = ""
        found = list(_listed(text, before)[: PAGE + 1])
        return {
            "events": found[:PAGE],
            "older": found[PAGE - 1].pk if len(found) > PAGE else None,
            "search": text,
            "version": presenting.version([], [(event.pk, vars(event)["started"]) for event in found]),
        }

    def event(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """Show one event and its runs."""
        self.require(request, "view_event")
        event = get_object_or_404(Event, pk=event_id)
        runs = list(event.runs.order_by("-pk").defer("output")[:100])
        context = {
            "event": event,
            "runs": runs,
            "full": request.user.has_perm("jobs.view_payload"),
            "may_open": request.user.has_perm("jobs.view_run"),
        }
        return render(request, "jobs/event.html", context)

    def send(self, request: HttpRequest) -> HttpResponse:
        """Show the form, or send what was typed into it."""
        self.require(request, "send_event")
        return require_http_methods(["GET", "HEAD", "POST"])(self._send)(request)

    def _send(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return render(request, "jobs/event_send.html", _form(request, request.GET.get("name", ""), _like(request)))
        name, typed = request.POST.get("name", "").strip(), request.POST.get("data", "")
        try:
            sent = _sent(request, name, typed)
        except (payload.UnreadableJSON, InvalidEvent) as error:
            return self._refused(request, name, str(error).removeprefix("event 0: "))
        except ValidationError:
            return self._refused(request, name, "An event needs a name of 1 to 255 characters.")
        except UnreadableTime as error:
            return self._refused(request, name, str(error))
        event = Event.objects.get(pk=sent.event_id)
        self.log_addition(request, event, f"Sent {name}.")
        if sent.duplicate:
            messages.warning(request, "This id was sent within the last 24 hours, so it started nothing.")
        else:
            count = len(sent.run_ids)
            messages.success(request, f"Sent {name}. It started {count} run{'' if count == 1 else 's'}.")
        if len(sent.run_ids) == 1 and request.user.has_perm("jobs.view_run"):
            return redirect("admin:jobs_run_change", sent.run_ids[0])
        return redirect("admin:jobs_event_change", sent.event_id)

    def _refused(self, request: HttpRequest, name: str, problem: str) -> HttpResponse:
        typed = {field: request.POST.get(field, "") for field in ("data", "id", "at")}
        context = _form(request, name, _like(request)) | typed | {"problem": problem}
        return render(request, "jobs/event_send.html", context, status=400)

    def signal(self, request: HttpRequest) -> HttpResponse:
        """Show the form for a signal, or send it."""
        self.require(request, "send_event")
        return require_http_methods(["GET", "HEAD", "POST"])(self._signal)(request)

    def _signal(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return render(request, "jobs/signal_send.html", {"name": request.GET.get("name", ""), "data": "{}"})
        name, typed = request.POST.get("name", "").strip(), request.POST.get("data", "")
        try:
            event_id = actions.send_signal(name, payload.read(typed), by=request.user)
        except (payload.UnreadableJSON, InvalidEvent) as error:
            context = {"name": name, "data": typed, "problem": str(error)}
            return render(request, "jobs/signal_send.html", context, status=400)
        self.log_addition(request, Event.objects.get(pk=event_id), f"Sent the signal {name}.")
        messages.success(request, f"Sent the signal {name} to whoever waits for it.")
        return redirect("admin:jobs_event_change", event_id)

    @posted
    def starts(self, request: HttpRequest) -> HttpResponse:
        """Answer the form while a name is typed: what it would start, and its last data if none was edited yet."""
        self.require(request, "send_event")
        untouched = request.POST.get("data") == request.POST.get("offered")
        context = _form(request, request.POST.get("name", "").strip())
        return render(request, "jobs/_event_starts.html", context | {"replace": untouched})


def _listed(text: str, before: UUID | None) -> QuerySet[Event]:
    events = Event.objects.order_by("-pk").defer("data")
    if found := identity.read(text):
        events = events.filter(pk=found)
    elif pair := data_pair(text):
        events = events.filter(pk__in=events_with(*pair))
    elif text:
        events = events.filter(name__istartswith=text)
    if before:
        events = events.filter(pk__lt=before)
    return events.annotate(started=Count("runs"))


def _like(request: HttpRequest) -> Event | None:
    """Return the event that is sent again, if there is one and its data may be seen."""
    asked = identity.read(request.POST.get("like", "") or request.GET.get("like", ""))
    if asked is None or not request.user.has_perm("jobs.view_payload"):
        return None
    return Event.objects.filter(pk=asked).first()


def _form(request: HttpRequest, name: str, like: Event | None = None) -> dict[str, Any]:
    """Return what the form shows for an event name: known names, what listens, and data to begin with.

    That is the data of the event that is sent again, or else the last of that name.
    """
    recent = Event.objects.order_by("-pk").values_list("name", flat=True)[:RECENT]
    names = sorted({*registry.event_names(), *(n for n in recent if not n.startswith("jobs/"))})
    may_see = request.user.has_perm("jobs.view_payload")
    last = like if like and like.name == name else None
    if last is None and name and may_see:
        last = Event.objects.filter(name=name).order_by("-received_at").first()
    data = payload.editable(last.data) if last else "{\n  \n}"
    return {
        "name": name,
        "names": names,
        "listening": registry.listening_to(name) if name else [],
        "last": last,
        "again": last is not None and last == like,
        "data": data,
        "offered": data,
    }


def _sent(request: HttpRequest, name: str, typed: str) -> sending.Sent:
    data = payload.parsed(typed)
    like = identity.read(request.POST.get("like", ""))
    seen = like is not None and request.user.has_perm("jobs.view_payload")
    original = Event.objects.filter(pk=like or UUID(int=0)).values_list("data", flat=True).first() if seen else None
    data = payload.restored(data, original)
    ts = _milliseconds(request.POST.get("at", "").strip())
    event = EventValue(name=name, data=data, id=request.POST.get("id", "").strip(), ts=ts)
    return sending.send([event], source=Source.MANUAL, sender=request.user.get_username())[0]


class UnreadableTime(ValueError):
    """This is no time of a form."""


def _milliseconds(typed: str) -> int:
    """Return the time that was typed in milliseconds since 1970, 0 for none."""
    try:
        moment = parse_datetime(typed) if typed else None
    except ValueError:
        moment = None
    if moment is None:
        if typed:
            raise UnreadableTime(f"{typed!r} is no date with a time.")
        return 0
    return int((timezone.make_aware(moment) if timezone.is_naive(moment) else moment).timestamp() * 1000)


def register() -> None:
    """Put the pages on the site."""
    admin.site.register(Event, EventPages)
