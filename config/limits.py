"""A request that is too large is refused in words before its body is read."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse

FORM = "application/x-www-form-urlencoded"
MACHINE_PATHS = ("/api/", "/e/", "/v1/")


class RequestSizeMiddleware:
    """Answer 413 when Content-Length is over REQUEST_LIMIT."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path:
            # No name of ours has one, and PostgreSQL refuses to look for it.
            return HttpResponseNotFound("There is no such address.", content_type="text/plain; charset=utf-8")
        limit = settings.REQUEST_LIMIT
        # A form is read into memory whole, and grows there; only the event API takes JSON under this name.
        if request.content_type == FORM and not request.path.startswith("/e/"):
            limit = min(limit, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        if _length(request) > limit:
            return _refusal(request, limit)
        return self.get_response(request)


def _length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _refusal(request: HttpRequest, limit: int) -> HttpResponse:
    words = f"This request is larger than {limit / 1024 / 1024:g} MB. Please send less at once."
    if request.path.startswith(MACHINE_PATHS):
        return JsonResponse({"ids": [], "status": 413, "error": words}, status=413)
    return HttpResponse(words, status=413, content_type="text/plain; charset=utf-8")
