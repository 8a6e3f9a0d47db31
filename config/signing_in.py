"""Signing in: few passwords are checked at once, and whoever was wrong too often is told to wait."""

import threading
from typing import Any

from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

AT_ONCE = 2
BUSY = "Many people are signing in at this moment. Please try again in a few seconds."
LOCKED = "There were too many wrong attempts under this name or from this address. Please try again later."
# A password takes a core for half a second, so a crowd of them would take every thread from everybody else.
_turns = threading.BoundedSemaphore(AT_ONCE)


class SignIn(views.LoginView):
    """Django's page, for a few at a time."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not _turns.acquire(blocking=False):
            return _refusal(request, BUSY, 5)
        try:
            return super().post(request, *args, **kwargs)
        finally:
            _turns.release()


def locked_out(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """Answer to a name or an address that must wait."""
    return _refusal(request, LOCKED, 600)


def _refusal(request: HttpRequest, words: str, seconds: int) -> HttpResponse:
    context = {"form": AuthenticationForm(), "refused": words, "next": request.POST.get("next", "")}
    answer = render(request, "registration/login.html", context, status=429)
    answer["Retry-After"] = str(seconds)
    return answer
