"""Who may call: the keys of other programs, in an address or as `Authorization: Bearer <key>`."""

import functools
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from jobs.api.answers import View, refusal
from jobs.models import EventKey

UNKNOWN_KEY = "Event key not found"
_PLAUSIBLE = re.compile(r"[A-Za-z0-9_-]{8,200}")


def find_key(secret: str) -> EventKey | None:
    """Return the active key with this secret."""
    # What no key of ours can look like never reaches the database, which refuses NUL, for one.
    return EventKey.find(secret) if _PLAUSIBLE.fullmatch(secret) else None


def key_required(view: View) -> View:
    """Let only requests with `Authorization: Bearer <key>` through; the view finds it as `request.event_key`.

    The view is free of the CSRF check: a browser never sends this header by itself.
    """

    @functools.wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        key = find_key(secret.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            return _unauthorized(given=bool(secret))
        request.event_key = key  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)

    return csrf_exempt(checked)


def _unauthorized(*, given: bool) -> HttpResponse:
    words = "This key is unknown or revoked." if given else "Send a key: `Authorization: Bearer <key>`."
    response = refusal(401, words)
    response["WWW-Authenticate"] = 'Bearer realm="stepwell"'
    return response
