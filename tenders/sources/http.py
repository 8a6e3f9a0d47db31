"""One request to a portal: a plain client with a timeout and no retries of its own, and what each refusal means."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from jobs.errors import NonRetriableError, RetryAfterError
from tenders.ocds import repair

LONGEST_WAIT = timedelta(hours=1)
LONGEST_ANSWER = 64 * 1024 * 1024
# A portal that sends a byte now and then would hold a worker for ever.
LONGEST_READ = 600
HEADERS = {"User-Agent": "Stepwell tenders (OCDS reader)", "Accept": "application/json"}


class PortalUnavailable(Exception):
    """The portal gave no usable answer this time; asking again may help."""


class PortalRefused(NonRetriableError):
    """The portal will not answer this request, however often it is asked."""


@dataclass(frozen=True, slots=True)
class Portal:
    """A service by its name for people, with the seconds it may keep silent.

    blocked_for: how long a 403 lasts, where it means "you ask too often" and not "you may not".
    """

    name: str
    timeout: float
    blocked_for: timedelta | None = None

    def get_json(self, url: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON of an answer; raises PortalUnavailable, PortalRefused or RetryAfterError."""
        text = repair.decoded(self._get(url, params))
        try:
            return repair.loads(text)
        except repair.BadJson as error:
            raise PortalUnavailable(f"{self.name} sent JSON that cannot be read: {error}.") from None

    def _get(self, url: str, params: Mapping[str, Any] | None) -> bytes:
        timeout = httpx.Timeout(self.timeout, connect=min(self.timeout, 20))
        try:
            with (
                httpx.Client(timeout=timeout, follow_redirects=True, headers=HEADERS, trust_env=True) as client,
                client.stream("GET", url, params=params) as response,
            ):
                body = self._read(response)
                if response.status_code != 200:
                    raise self._judged(response, body)
                return body
        except httpx.TimeoutException:
            raise PortalUnavailable(f"{self.name} gave no answer within {self.timeout:g} seconds.") from None
        except httpx.HTTPError as error:
            raise PortalUnavailable(f"{self.name} cannot be reached: {_reason(error)}.") from None

    def _read(self, response: httpx.Response) -> bytes:
        body, deadline = bytearray(), time.monotonic() + max(LONGEST_READ, self.timeout)
        for part in response.iter_bytes():
            body += part
            if len(body) > LONGEST_ANSWER:
                raise PortalRefused(f"{self.name} sent more than {LONGEST_ANSWER // 1024**2} MB in one answer.")
            if time.monotonic() > deadline:
                raise PortalUnavailable(f"{self.name} took more than {LONGEST_READ} seconds for one answer.")
        return bytes(body)

    def _judged(self, response: httpx.Response, body: bytes) -> Exception:
        status, said = response.status_code, _words(body)
        wait = _wait(response.headers.get("Retry-After", ""))
        if status == 403 and self.blocked_for is not None:
            return RetryAfterError(f"{self.name} has blocked us for a while (403).", wait or self.blocked_for)
        if status == 429 or (status == 503 and wait is not None):
            words = f"{self.name} wants us to wait ({status}): {said}"
            return RetryAfterError(words, wait if wait is not None else timedelta(minutes=2))
        if status >= 500 or status == 408:
            return PortalUnavailable(f"{self.name} failed ({status}): {said}")
        return PortalRefused(f"{self.name} refuses the request ({status}): {said}")


def _words(body: bytes) -> str:
    """What an error page says, on one line and without markup."""
    text = re.sub(r"<[^<>]*>", " ", repair.decoded(body[:4000]))
    return " ".join(text.split())[:200] or "no reason given"


def _reason(error: httpx.HTTPError) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


def _wait(value: str) -> timedelta | None:
    """Read a Retry-After header: seconds or a date, at most an hour."""
    value = value.strip()
    if re.fullmatch(r"\d{1,9}", value):
        wait = timedelta(seconds=int(value))
    else:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        wait = at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)
    return min(max(wait, timedelta(0)), LONGEST_WAIT)
