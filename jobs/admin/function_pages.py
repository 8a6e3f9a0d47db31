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

from jobs import actions, starting
from jobs.admin import functions, payload
from jobs.errors import InvalidEvent
from jobs.models import FunctionState, Run

View = Callable[..., HttpResponse]


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """Return the pages and actions of functions."""
    routes: list[tuple[str, str, View]] = [
        ("", "jobs_function_changelist", listing),
        ("<path:function_id>/start/", "jobs_function_start", start),
        ("<path:function_id>/pause/", "jobs_function_pause", pause),
        ("<path:function_id>/resume/", "jobs_function_resume", resume),
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
    if not starting.can_start(function):
        messages.error(request, f"Only the engine itself starts {function.id}.")
        return redirect("admin:jobs_function", function.id)
    try:
        run = starting.start(function, by=request.user.get_username(), data=functions.typed(request))
    except (payload.UnreadableJSON, InvalidEvent) as error:
        context = functions.detail(request, function_id)
        context |= {"problem": str(error), "offered": request.POST.get("data", "")}
        return render(request, "jobs/function_start.html", context, status=400)
    admin.site.get_model_admin(Run).log_addition(request, run, "Started by hand.")
    messages.success(request, f"Started {run}.")
    return redirect("admin:jobs_run_change", run.pk)


@require_POST
def pause(request: HttpRequest, function_id: str) -> HttpResponse:
    """Let a function's runs queue until it is resumed."""
    return _steer(request, function_id, actions.pause, "Paused.", "is paused: its events still open runs, which queue.")


@require_POST
def resume(request: HttpRequest, function_id: str) -> HttpResponse:
    """Let a paused function go on."""
    return _steer(request, function_id, actions.resume, "Resumed.", "goes on, with what has queued first.")


def _steer(request: HttpRequest, function_id: str, verb: Callable[..., bool], done: str, words: str) -> HttpResponse:
    _require(request, "jobs.pause_function")
    function = functions.known(function_id)
    if verb(function.id, by=request.user):
        state = FunctionState.objects.get(pk=function.id)
        admin.ModelAdmin(FunctionState, admin.site).log_change(request, state, done)
        messages.success(request, f"{function.id} {words}")
    else:
        messages.warning(request, f"Somebody else was quicker: {function.id} is in that state already.")
    return redirect("admin:jobs_function", function.id)
