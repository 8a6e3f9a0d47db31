"""Who may call, and what: the keys of other programs, in an address or as `Authorization: Bearer <key>`."""

import functools
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from jobs import conf
from jobs.api.answers import View, refusal
from jobs.models import EventKey
from jobs.models.key import Scope

UNKNOWN_KEY = "Event key not found"
_PLAUSIBLE = re.compile(r"[A-Za-z0-9_-]{8,200}")


def find_key(secret: str) -> EventKey | None:
    """Return the active key with this secret."""
    # What no key of ours can look like never reaches the database, which refuses NUL, for one.
    return EventKey.find(secret) if _PLAUSIBLE.fullmatch(secret) else None


def scopes() -> dict[str, str]:
    """Return what a new key can be allowed, in words; each product's app names its own as `key_scope`."""
    found = {scope.value: str(scope.label) for scope in (Scope.SEND, Scope.READ, Scope.ACT)}
    found |= {config.label: config.key_scope for config in apps.get_app_configs() if hasattr(config, "key_scope")}
    return found | {Scope.PROTECTED.value: f"{Scope.PROTECTED.label}: {', '.join(protected_events())}"}


def protected_events() -> list[str]:
    """Return the names that an ordinary key cannot send: `protected_events` of apps, and the site's own; `*` is any."""
    declared = [name for config in apps.get_app_configs() for name in getattr(config, "protected_events", ())]
    return sorted({*declared, *conf.settings().PROTECTED_EVENTS})


def is_protected(name: str) -> bool:
    """Whether only keys that are allowed protected events can send events of this name."""
    return any(fnmatchcase(name, pattern) for pattern in protected_events())


def bearer(request: HttpRequest) -> str:
    """Return the secret in `Authorization: Bearer <key>`, empty without one."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def key_required(scope: str, **by_method: str) -> Callable[[View], View]:
    """Let only requests with a key through that may do this; `DELETE="act"` names another scope for one method.

    The view finds the key as `request.event_key`, and is free of the CSRF check: a browser never sends the header by
    itself.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            secret = bearer(request)
            key = find_key(secret) if secret else None
            if key is None:
                return _unauthorized(given=bool(request.headers.get("Authorization")))
            needed = by_method.get(request.method or "", scope)
            if not key.may(needed):
                return forbidden(key, needed)
            request.event_key = key  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

        return csrf_exempt(checked)

    return decorate


def forbidden(key: EventKey, scope: str, what: str = "this") -> HttpResponse:
    """Return the refusal of a key that is known and may not do this."""
    return refusal(403, f"The key {key.name} may not do {what}: it lacks “{scope}”. Allow it on the page Event keys.")


def _unauthorized(*, given: bool) -> HttpResponse:
    words = "This key is unknown or revoked." if given else "Send a key: `Authorization: Bearer <key>`."
    response = refusal(401, words)
    response["WWW-Authenticate"] = 'Bearer realm="stepwell"'
    return response
