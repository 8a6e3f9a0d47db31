"""The sidebar: groups of pages that this user may open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.apps import AppConfig, apps
from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from jobs import clock, identity
from jobs.models import Run
from jobs.types import Status

MOST = 99
_MONITOR = (
    ("Overview", "admin:index", ""),
    ("Runs", "admin:jobs_run_changelist", "jobs.view_run"),
    ("Events", "admin:jobs_event_changelist", "jobs.view_event"),
    ("Functions", "admin:jobs_function_changelist", "jobs.view_run"),
    ("Schedules", "admin:jobs_schedule_changelist", "jobs.view_schedule"),
    ("Workers", "admin:jobs_worker_changelist", "jobs.view_worker"),
)
_SYSTEM = (
    ("Users", "admin:auth_user_changelist", "auth.view_user"),
    ("Event keys", "admin:jobs_eventkey_changelist", "jobs.view_eventkey"),
)
_NOT_PRODUCTS = {"jobs", "auth", "admin", "contenttypes", "sessions"}


@dataclass(frozen=True)
class Entry:
    """One page in the sidebar."""

    words: str
    url: str
    current: bool
    count: int = 0
    children: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Group:
    """Pages that belong together."""

    words: str
    entries: tuple[Entry, ...]


def groups(request: HttpRequest) -> list[Group]:
    """Return what this user finds in the sidebar; at most one query besides those for permissions."""
    user = request.user
    found = []
    if user.is_staff:
        found.append(Group("Monitor", tuple(_pages(_MONITOR, request))))
    found.append(Group("Products", tuple(_products(request))))
    if user.is_staff:
        found.append(Group("System", tuple(_pages(_SYSTEM, request))))
    return [group for group in found if group.entries]


def _pages(pages: tuple[tuple[str, str, str], ...], request: HttpRequest) -> Iterator[Entry]:
    for words, name, permission in pages:
        if permission and not request.user.has_perm(permission):
            continue
        url = reverse(name)
        current = request.path == url or (name != "admin:index" and request.path.startswith(url))
        yield Entry(words, url, current, failed_lately() if words == "Runs" else 0)


def failed_lately() -> int:
    """Return how many runs failed of those begun in the last 24 hours, counted to one more than a badge shows."""
    since = identity.first_of(clock.now() - timedelta(hours=24))
    return Run.objects.filter(status=Status.FAILED, pk__gte=since)[: MOST + 1].count()


def _products(request: HttpRequest) -> Iterator[Entry]:
    for app in apps.get_app_configs():
        if app.label in _NOT_PRODUCTS:
            continue
        lists = tuple(_lists(app, request)) if request.user.is_staff else ()
        pages = tuple(getattr(app, "navigation", ())) or _stock(app, lists)
        for words, name, permission in pages:
            if (url := _address(name, app)) and (not permission or request.user.has_perm(permission)):
                inside = request.path.startswith((url, f"/admin/{app.label}/"))
                below = any(entry.current for entry in lists)
                yield Entry(words, url, inside and not below, 0, lists if inside else ())


def _stock(app: AppConfig, lists: tuple[Entry, ...]) -> tuple[tuple[str, str, str], ...]:
    return ((str(app.verbose_name), "admin:app_list", ""),) if lists else ()


def _lists(app: AppConfig, request: HttpRequest) -> Iterator[Entry]:
    for model in app.get_models():
        if may_list(model, request.user):
            url = reverse(f"admin:{app.label}_{model._meta.model_name}_changelist")
            words = f"All {model._meta.verbose_name_plural}"
            yield Entry(words, url, request.path.startswith(url))


def may_list(model: type[Model], user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the console has a list of this model that the user may open."""
    label = f"{model._meta.app_label}.view_{model._meta.model_name}"
    return admin.site.is_registered(model) and user.has_perm(label)  # type: ignore[union-attr]


def _address(name: str, app: AppConfig) -> str:
    try:
        return reverse(name, kwargs={"app_label": app.label} if name == "admin:app_list" else None)
    except NoReverseMatch:
        return ""
