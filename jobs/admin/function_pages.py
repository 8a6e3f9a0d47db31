"""The addresses of the Functions pages: functions are in the code, so no model stands behind them."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST, require_safe

from jobs import starting
from jobs.admin import functions, payload
from jobs.errors import InvalidEvent
from jobs.models import Run

View = Callable[..., HttpResponse]


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """Return the pages and actions of functions."""
    routes: list[tuple[str, str, View]] = [
        ("", "jobs_function_changelist", listing),
        ("<path:function_id>/start/", "jobs_function_start", start),
        ("<path:function_id>/", "jobs_function", detail),
    ]
    return [path(f"jobs/function/{route}", _guarded(site, view), name=name) for route, name, view in routes]


def _guarded(site: admin.AdminSite, view: View) -> View:
    return update_wrapper(site.admin_view(view), view)


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Show all functions; a refresh gets only the inside."""
    _require(request, "jobs.view_run")
    template = "jobs/_function_list.html" if request.headers.get("HX-Request") else "jobs/function_list.html"
    return render(request, template, functions.listing())


@require_safe
def detail(request: HttpRequest, function_id: str) -> HttpResponse:
    """Show one function."""
    _require(request, "jobs.view_run")
    return render(request, "jobs/function.html", functions.detail(request, function_id))


@require_POST
def start(request: HttpRequest, function_id: str) -> HttpResponse:
    """Start one run of a function, with the data that was typed."""
    _require(request, "jobs.send_event")
    function = functions.known(function_id)
    try:
        run = starting.start(function, by=request.user.get_username(), data=functions.typed(request))
    except (payload.UnreadableJSON, InvalidEvent) as error:
        context = functions.detail(request, function_id)
        context |= {"problem": str(error), "offered": request.POST.get("data", "")}
        return render(request, "jobs/function_start.html", context, status=400)
    admin.site.get_model_admin(Run).log_addition(request, run, "Started by hand.")
    messages.success(request, f"Started {run}.")
    return redirect("admin:jobs_run_change", run.pk)
