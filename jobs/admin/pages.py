"""What every page of the console shares: addresses of our own, permissions, and a record of each press."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:  # generic for the type checker only
    ModelAdmin = admin.ModelAdmin

Route = tuple[str, str, Callable[..., HttpResponseBase]]


class ConsolePage(ModelAdmin):
    """A model with pages of our own in the place of the stock list and form: no field dump, no Save, no Delete."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from the engine."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only actions change them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only retention deletes them."""
        return False

    def routes(self) -> list[Route]:
        """Return pattern, name and view of each page besides the list."""
        return []

    def listing(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the list shows."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of our pages only."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        routes = [("", "changelist", self.changelist_view), *self.routes()]
        return [path(route, self._guarded(view), name=f"{name}_{word}") for route, word, view in routes]

    def _guarded(self, view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        return update_wrapper(self.admin_site.admin_view(view), view)

    def require(self, request: HttpRequest, *verbs: str) -> None:
        """Refuse whoever lacks one of these permissions of the engine."""
        if not request.user.has_perms([f"jobs.{verb}" for verb in verbs]):
            raise PermissionDenied

    def changelist_view(self, request: HttpRequest, extra_context: Mapping[str, Any] | None = None) -> HttpResponse:
        """Show the list; a refresh gets only its inside, or 204 while nothing changed."""
        self.require(request, f"view_{self.opts.model_name}")
        context = self.listing(request)
        name = self.opts.model_name
        if not request.headers.get("HX-Request"):
            return render(request, f"jobs/{name}_list.html", context)
        if request.GET.get("v") == context.get("version", ""):
            return HttpResponse(status=204)
        return render(request, f"jobs/_{name}_list.html", context)


def posted(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a page's method answer POST only."""

    def method(self: ConsolePage, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        def bound(request: HttpRequest) -> HttpResponse:
            return view(self, request, *args, **kwargs)

        return require_POST(bound)(request)

    return update_wrapper(method, view)
