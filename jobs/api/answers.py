"""JSON answers for programs: one shape for data, one for refusals, and the same words for wrong methods."""

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

from django.http import HttpRequest, HttpResponse

from jobs import serialize

View: TypeAlias = Callable[..., HttpResponse]


def answer(value: Any, status: int = 200) -> HttpResponse:
    """Return a JSON answer that carries everything the engine stores, long integers and surrogates included."""
    response = HttpResponse(serialize.dumps(value), content_type="application/json", status=status)
    response["Cache-Control"] = "no-store"
    return response


def refusal(status: int, words: str, **more: Any) -> HttpResponse:
    """Return an error: what is wrong and, in `words`, the way out."""
    return answer({**more, "status": status, "error": words}, status)


def methods(*allowed: str) -> Callable[[View], View]:
    """Answer 405 in JSON to any other method; HEAD goes wherever GET goes."""
    accepted = (*allowed, "HEAD") if "GET" in allowed else allowed

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method in accepted:
                return view(request, *args, **kwargs)
            response = refusal(405, f"{request.method} is not possible here; use {' or '.join(allowed)}.")
            response["Allow"] = ", ".join(accepted)
            return response

        return checked

    return decorate
