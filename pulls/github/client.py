"""One request to GitHub: debited before it goes out, never waited for, and what each refusal means."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from django.conf import settings
from django.db import connection

from jobs import clock
from pulls.github import headers
from pulls.github.errors import (
    BudgetSpent,
    GitHubRefused,
    GitHubUnavailable,
    NotThere,
    PrimaryLimit,
    SecondaryLimit,
)
from pulls.models.budget import Budget, Rules

API_VERSION = "2022-11-28"
LONGEST_ANSWER = 32 * 1024 * 1024
_urgent: ContextVar[bool] = ContextVar("urgent", default=False)
# Renamed twice is two; more than these go in circles.
_MOST_REDIRECTS = 5
# Without a token GitHub answers so many requests an hour.
_ANONYMOUS, _WITH_TOKEN = 60, 5000


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its JSON, its etag, the address of the next page.

    unchanged: a 304, so there is no JSON. moved: GitHub has redirected, as it does for renamed repositories.
    """

    data: Any
    etag: str = ""
    next: str = ""
    unchanged: bool = False
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    path: str


def get(address: str, params: Mapping[str, Any] | None = None, *, etag: str = "") -> Answer:
    """Ask for a path of the API, or an address that it gave; raises one of `github.errors`."""
    url = _absolute(address)
    for hop in range(_MOST_REDIRECTS):
        response = _ask(url, params, etag)
        if response.status not in (301, 302, 307, 308):
            return replace(_answer(response), moved=hop > 0)
        url, params = _absolute(urljoin(url, response.headers.get("Location", ""))), None
    raise GitHubRefused(f"GitHub redirects {address} more than {_MOST_REDIRECTS} times.")


@contextmanager
def urgently(urgent: bool) -> Iterator[None]:
    """Let what is asked inside, if it is put off, come back before what can wait."""
    before = _urgent.set(urgent)
    try:
        yield
    finally:
        _urgent.reset(before)


def rate_limit() -> dict[str, Any]:
    """Ask how much may still be asked, which is free and not debited, and set our own count by it."""
    response = _send(_absolute("/rate_limit"), None, "")
    resources = _answer(response).data.get("resources", {})
    core = resources.get("core", {})
    said = headers.limits({f"x-ratelimit-{name}": str(core.get(name, "")) for name in ("limit", "remaining", "reset")})
    Budget.take_stock(budget_key(), rules(), said)
    return core


def budget_key() -> str:
    """Return under which name the requests are counted: by token and API, without showing the token."""
    whose = hashlib.sha256(settings.GITHUB_TOKEN.encode()).hexdigest()[:16] if settings.GITHUB_TOKEN else "anonymous"
    return f"{whose}@{urlsplit(settings.GITHUB_API_URL).netloc}"[:64]


def rules() -> Rules:
    """Return what we allow ourselves."""
    ceiling = _WITH_TOKEN if settings.GITHUB_TOKEN else _ANONYMOUS
    return Rules(ceiling, settings.GITHUB_RESERVE, settings.GITHUB_PER_MINUTE)


def _absolute(address: str) -> str:
    """Return the whole address. The token goes to the API's own host only."""
    if address.startswith("/"):
        return settings.GITHUB_API_URL + address
    if urlsplit(address)[:2] != urlsplit(settings.GITHUB_API_URL)[:2]:
        raise GitHubRefused(f"GitHub points to another host, which is not followed: {address[:200]}")
    return address


def _ask(url: str, params: Mapping[str, Any] | None, etag: str) -> Reply:
    key = budget_key()
    until = Budget.take(key, rules(), urgent=_urgent.get())
    if until is not None:
        raise BudgetSpent(f"GitHub's limit, less the reserve, is used up until {until:%H:%M:%S} UTC.", until)
    response = _send(url, params, etag)
    free, refused = response.status == 304, response.status in (403, 429)
    Budget.heard(key, headers.limits(response.headers), free=free, refused=refused)
    if refused:
        raise _judged_limit(key, response)
    return response


def _send(url: str, params: Mapping[str, Any] | None, etag: str) -> Reply:
    given = _headers() | ({"If-None-Match": etag} if etag else {})
    asked: dict[str, Any] = {"params": params, "headers": given, "timeout": settings.GITHUB_TIMEOUT}
    if not connection.in_atomic_block:
        connection.close()  # nobody needs it while GitHub thinks
    try:
        with _client(os.getpid()).stream("GET", url, **asked) as response:
            return Reply(response.status_code, response.headers, _read(response), response.url.path)
    except httpx.TimeoutException:
        raise GitHubUnavailable(f"GitHub gave no answer within {settings.GITHUB_TIMEOUT:g} seconds.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise GitHubUnavailable(f"GitHub cannot be reached: {reason}.") from None


def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > LONGEST_ANSWER:
            raise GitHubRefused(f"GitHub sent more than {LONGEST_ANSWER // 1024**2} MB in one answer.")
    return bytes(body)


@functools.lru_cache(maxsize=2)
def _client(process: int) -> httpx.Client:
    """One client for the threads of a process; a fork must not share its parent's connections."""
    # A bound on idle connections would have httpcore close one that another thread was just given.
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=None)
    return httpx.Client(follow_redirects=False, limits=limits)


def _headers() -> dict[str, str]:
    given = {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": API_VERSION,
        "User-Agent": "Stepwell pull requests",
    }
    return given | ({"Authorization": f"Bearer {settings.GITHUB_TOKEN}"} if settings.GITHUB_TOKEN else {})


def _answer(response: Reply) -> Answer:
    etag = response.headers.get("ETag", "")[:200]
    if response.status == 304:
        return Answer(None, etag, "", unchanged=True)
    if response.status != 200:
        raise _judged(response)
    try:
        data = json.loads(response.body)
    except ValueError:
        raise GitHubUnavailable("GitHub sent JSON that cannot be read.") from None
    return Answer(data, etag, headers.next_link(response.headers.get("Link", "")))


def _judged_limit(key: str, response: Reply) -> Exception:
    """Tell a rate limit from a plain no: not every 403 is one."""
    wait, said = headers.retry_after(response.headers), _words(response)
    if "secondary rate limit" in said.lower() or "abuse detection" in said.lower() or wait is not None:
        until = Budget.block(key, wait)
        return SecondaryLimit(f"GitHub wants us to wait until {until:%H:%M:%S} UTC: {said}", until)
    if response.headers.get("x-ratelimit-remaining") == "0":
        window = headers.limits(response.headers)
        # Its clock and ours may differ, so a reset that is just over is given a moment.
        until = Budget.block(
            key, timedelta(seconds=15), window.reset_at if window else clock.now() + timedelta(hours=1)
        )
        return PrimaryLimit(f"GitHub's limit is used up until {until:%H:%M:%S} UTC: {said}", until)
    if response.status == 429:
        until = Budget.block(key, None)
        return SecondaryLimit(f"GitHub wants us to wait until {until:%H:%M:%S} UTC: {said}", until)
    return GitHubRefused(f"GitHub refuses {response.path[:200]} (403): {said}")


def _judged(response: Reply) -> Exception:
    status, said = response.status, _words(response)
    if status in (404, 410):
        return NotThere(f"GitHub has nothing at {response.path[:200]}, or does not show it to this token ({status}).")
    if status == 401:
        return GitHubRefused(f"GitHub does not know the token in GITHUB_TOKEN (401): {said}")
    if status >= 500 or status == 408:
        return GitHubUnavailable(f"GitHub failed ({status}): {said}")
    return GitHubRefused(f"GitHub refuses {response.path[:200]} ({status}): {said}")


def _words(response: Reply) -> str:
    """What an answer says about itself, on one line."""
    try:
        said = json.loads(response.body).get("message", "")
    except (ValueError, AttributeError):
        said = ""
    return " ".join(str(said).split())[:300] or "no reason given"
