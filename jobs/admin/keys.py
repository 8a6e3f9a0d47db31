"""The Event keys page: make one, see its secret once, say what it may do, switch it off and on; no hash is shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from jobs import keys
from jobs.admin.pages import ConsolePage, Route, posted
from jobs.models import EventKey
from jobs.models.key import Scope

LONGEST_NAME = 100


class EventKeyPages(ConsolePage):
    """Everything about keys."""

    def routes(self) -> list[Route]:
        """Return the actions on keys."""
        return [
            ("make/", "make", self.make),
            ("<int:key_id>/scopes/", "scopes", self.allow),
            ("<int:key_id>/revoke/", "revoke", self.revoke),
            ("<int:key_id>/activate/", "activate", self.activate),
        ]

    def listing(self, request: HttpRequest) -> dict[str, Any]:
        """Return all keys with what each may do, and what a new one can be allowed."""
        known = keys.scopes()
        found = EventKey.objects.order_by("-active", "name").defer("hash")
        return {"rows": [_row(key, known) for key in found], "choices": _choices(known, [Scope.SEND])}

    @posted
    def make(self, request: HttpRequest) -> HttpResponse:
        """Make a key and show its secret, this once."""
        self.require(request, "add_eventkey")
        name = request.POST.get("name", "").replace("\0", "").strip()[:LONGEST_NAME]
        if not name:
            messages.error(request, "Give the key a name that tells who uses it.")
            return redirect("admin:jobs_eventkey_changelist")
        try:
            with transaction.atomic():
                key, secret = EventKey.make(name, _chosen(request) or [Scope.SEND])
        except IntegrityError:
            messages.error(request, f"There is a key named {name} already. Choose another name.")
            return redirect("admin:jobs_eventkey_changelist")
        self.log_addition(request, key, f"Made; may: {', '.join(key.scopes)}.")
        # Every page of the admin is sent with no-store, so nothing on the way keeps the secret.
        return render(request, "jobs/eventkey_made.html", {"key": key, "secret": secret})

    @posted
    def allow(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Say anew what a key may do."""
        self.require(request, "change_eventkey")
        key = get_object_or_404(EventKey, pk=key_id)
        chosen = _chosen(request)
        if not chosen:
            messages.error(request, f"Choose at least one thing that {key.name} may do, or revoke it.")
        else:
            EventKey.objects.filter(pk=key.pk).update(scopes=chosen)
            self.log_change(request, key, f"May now: {', '.join(chosen)}.")
            messages.success(request, f"{key.name} may now: {', '.join(chosen)}.")
        return redirect("admin:jobs_eventkey_changelist")

    @posted
    def revoke(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Stop accepting a key."""
        return self._switch(request, key_id, active=False)

    @posted
    def activate(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Accept a key again."""
        return self._switch(request, key_id, active=True)

    def _switch(self, request: HttpRequest, key_id: int, *, active: bool) -> HttpResponse:
        self.require(request, "change_eventkey")
        key = get_object_or_404(EventKey, pk=key_id)
        word = "accepted" if active else "revoked"
        if EventKey.objects.filter(pk=key.pk, active=not active).update(active=active):
            self.log_change(request, key, f"Is {word} now.")
        messages.success(request, f"{key.name} is {word} now.")
        return redirect("admin:jobs_eventkey_changelist")


def _chosen(request: HttpRequest) -> list[str]:
    asked = request.POST.getlist("scopes")
    return [scope for scope in (*keys.scopes(), Scope.EVERYTHING.value) if scope in asked]


def _choices(known: dict[str, str], held: list[str]) -> list[tuple[str, str, bool]]:
    return [(scope, words, scope in held) for scope, words in known.items()]


def _row(key: EventKey, known: dict[str, str]) -> dict[str, Any]:
    everything = Scope.EVERYTHING in key.scopes
    # A key that holds everything offers all boxes ticked, so that unticking is what narrows it.
    return {"key": key, "everything": everything, "choices": _choices(known, list(known) if everything else key.scopes)}


def register() -> None:
    """Put the page on the site."""
    admin.site.register(EventKey, EventKeyPages)
