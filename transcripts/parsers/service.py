"""What may come back from a model service, and what it means: words, a refusal for good, or a reason to come again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from jobs.errors import NonRetriableError, RetryAfterError

LONGEST_WAIT = timedelta(hours=1)
_TRANSIENT = frozenset({408, 409, 425, 429, 499})


class GeminiUnavailable(Exception):
    """Gemini gave no usable answer this time; asking again may help."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the service: its text, or why there is none."""

    text: str
    blocked: str = ""
    finish: str = ""


@dataclass(slots=True)
class ServiceError(Exception):
    """The service answered with an error, or not at all (status 0)."""

    status: int
    message: str
    retry_after: str = ""
    details: Sequence[Any] = field(default=())


class Backend(Protocol):
    """One SDK: asks once, within the timeout, without retries of its own."""

    def generate(self, prompt: str, schema: dict[str, Any]) -> Reply:
        """The answer, or `ServiceError`."""
        ...


def judged(error: ServiceError, *, model: str, secret: str, now: datetime | None = None) -> Exception:
    """The exception that says whether to come again: permanent, later at a known time, or simply later."""
    said = _scrubbed(error.message, secret)
    limited = error.status == 429 or (error.status == 403 and bool(_wait(error, now)))
    if limited and _daily(error.details):
        return NonRetriableError("Gemini's quota for today is used up; raise it or retry tomorrow.")
    if error.status and not limited and error.status < 500 and error.status not in _TRANSIENT:
        return NonRetriableError(_permanent(error, model, said))
    what = "limits our requests at the moment" if limited else f"is unavailable ({error.status or 'no answer'})"
    message = f"Gemini {what}: {said}"
    wait = _wait(error, now)
    return RetryAfterError(message, wait) if wait is not None else GeminiUnavailable(message)


def _permanent(error: ServiceError, model: str, said: str) -> str:
    reasons = {detail.get("reason") for detail in error.details if isinstance(detail, dict)}
    if error.status == 401 or "API_KEY_INVALID" in reasons or "API key not valid" in said:
        return "Gemini does not accept the API key; check GEMINI_API_KEY."
    if error.status == 403:
        return f"Gemini does not allow this to our API key: {said}"
    if error.status == 404:
        return f"Gemini does not know the model {model}; check GEMINI_MODEL."
    return f"Gemini refuses the request ({error.status}): {said}"


def _daily(details: Sequence[Any]) -> bool:
    """A quota per day does not come back while a run waits; one per minute does."""
    violations = [
        violation
        for detail in details
        if isinstance(detail, dict) and isinstance(detail.get("violations"), list)
        for violation in detail["violations"]
    ]
    return any(isinstance(violation, dict) and "PerDay" in str(violation.get("quotaId")) for violation in violations)


def _wait(error: ServiceError, now: datetime | None = None) -> timedelta | None:
    """How long the service wants us to stay away: the header first, then `RetryInfo` among the details."""
    wait = _header_wait(error.retry_after.strip(), now or datetime.now(UTC))
    if wait is None:
        delays = (str(detail.get("retryDelay", "")) for detail in error.details if isinstance(detail, dict))
        wait = next((timedelta(seconds=float(delay[:-1])) for delay in delays if _is_delay(delay)), None)
    return min(max(wait, timedelta(0)), LONGEST_WAIT) if wait is not None else None


def _header_wait(value: str, now: datetime) -> timedelta | None:
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
        return timedelta(seconds=float(value))
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return at.replace(tzinfo=at.tzinfo or UTC) - now


def _is_delay(value: str) -> bool:
    return re.fullmatch(r"\d{1,9}(\.\d+)?s", value) is not None


def _scrubbed(message: str, secret: str) -> str:
    """The service's own words on one line, never with our key in them."""
    text = " ".join(message.split())
    return (text.replace(secret, "•••") if secret else text)[:300] or "no reason given"
