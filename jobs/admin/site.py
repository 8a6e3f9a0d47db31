"""The console's site: who may enter, what is listed where, and its first page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

# Its schedule form would call any dotted path that somebody types.
HIDDEN_APPS = {"django_q"}


class ConsoleSite(admin.AdminSite):
    """Django's admin as the operator's console."""

    site_title = site_header = "Stepwell"
    index_title = "Overview"
    site_url = None
    login_template = "registration/login.html"
    empty_value_display = "–"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register models, except those that are no page of the console."""
        models: Iterable[Any] = (
            model_or_iterable if isinstance(model_or_iterable, list | tuple) else [model_or_iterable]
        )
        kept = [model for model in models if model._meta.app_label not in HIDDEN_APPS]
        super().register(kept, admin_class, **options)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Send visitors to the sign-in page, but tell who is signed in already and may not enter so."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            response: HttpResponse = inner(request, *args, **kwargs)
            return response

        return guarded

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Add the addresses that belong to no model."""
        from jobs.admin import function_pages, subjects

        # Open to people of the products as well: the view asks for their permission on the object's model.
        live = path("about/<str:label>/<path:pk>/", login_required(subjects.live_runs), name="jobs_about")
        return [live, *function_pages.urls(self), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show how things stand."""
        from jobs.admin import overview

        context = self.each_context(request) | overview.context(request) | (extra_context or {})
        template = "jobs/_overview.html" if request.headers.get("HX-Request") else "jobs/overview.html"
        return TemplateResponse(request, template, context)
