"""Reading the headers of an answer: the next page, how long to wait, and how much may still be asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from jobs import clock
from pulls.models.budget import Said

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT = re.compile(r';\s{0,9}rel\s{0,9}=\s{0,9}"?(?:[^";]{0,200}\s)?next[\s",;]', re.IGNORECASE)
# A window is an hour. What lies further ahead is no time that can be used.
_LONGEST_WINDOW = timedelta(hours=2)
LONGEST_WAIT = timedelta(hours=2)


def next_link(value: str) -> str:
    """Return the address with rel="next" of a Link header word for word, empty where there is none."""
    return next((url for url, rest in _LINK.findall(value) if _NEXT.search(f"{rest},")), "")


def limits(headers: Mapping[str, str]) -> Said | None:
    """Return what X-RateLimit-… says, None where it says nothing of use."""
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
    values = [headers.get(name, "") for name in names]
    if headers.get("x-ratelimit-resource", "core") != "core" or not all(re.fullmatch(r"\d{1,10}", v) for v in values):
        return None
    ceiling, remaining, reset = (int(value) for value in values)
    reset_at = datetime.fromtimestamp(reset, UTC)
    if ceiling < 1 or reset_at > clock.now() + _LONGEST_WINDOW:
        return None
    return Said(ceiling, remaining, reset_at)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return how long Retry-After wants us to wait: seconds or a date, two hours at most."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", value):
        wait = timedelta(seconds=int(value))
    else:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        wait = at.replace(tzinfo=at.tzinfo or UTC) - clock.now()
    return min(max(wait, timedelta(0)), LONGEST_WAIT)
