"""Single values as publishers write them: text, points in time and sums of money, with what only looks like one."""

import functools
import html
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

# 0001-01-01 is .NET's empty date; nothing before this year is a tender of ours.
EARLIEST_YEAR = 1990
# Such a year says "never"; on the clocks of another zone it may lie behind the end of all calendars.
NEVER_YEAR = 9999
LARGEST_SUM = Decimal(10) ** 15
_NOTHING = frozenset({"n/a", "na", "none", "null", "nil", "-", "--", ".", "not applicable", "not available", "n.a."})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,10})?", re.ASCII)
_BLANKS = re.compile(r"[ \t\xa0]+")


class BadValue(ValueError):
    """A value that cannot be what its place says; the message says why."""


def text(value: Any) -> str:
    """Return the words of a value: entities resolved, control characters gone; placeholders such as N/A are none."""
    if type(value) is not str:
        if value is None or isinstance(value, bool | dict | list):
            return ""
        value = str(value)
    found: str = value
    if "&" in found:
        found = html.unescape(found)
    if not found.isprintable():
        found = _CONTROL.sub("", found.replace("\r\n", "\n").replace("\r", "\n"))
    found = found.strip()
    return "" if len(found) < 16 and found.lower() in _NOTHING else found


def line(value: Any, limit: int) -> str:
    """Return the words of a value on one line, cut to so many characters."""
    if value is None:
        return ""
    found = text(value)
    if not found.isprintable() or "  " in found or "\xa0" in found:
        found = _BLANKS.sub(" ", " ".join(found.split()))
    return found if len(found) <= limit else found[: limit - 1].rstrip() + "…"


@functools.lru_cache(maxsize=8192)
def moment(value: str, zone: ZoneInfo | None = None) -> datetime | None:
    """Return a point in time, None for one that means "none"; raises BadValue for what is no date.

    zone: where the publisher's clock hangs that marks its local times with Z.
    """
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise BadValue(f"“{value[:40]}” is no date; write it as 2026-08-14T11:00:00Z") from None
    if not EARLIEST_YEAR <= found.year < NEVER_YEAR:
        return None
    if zone is not None:
        found = found.replace(tzinfo=zone)
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)


def money(value: Any) -> tuple[Decimal | None, str]:
    """Return (amount, currency) of an OCDS value; 0 and what is no finite sum mean that none was disclosed."""
    if not isinstance(value, Mapping):
        return None, ""
    currency = line(value.get("currency"), 3).upper()
    return amount(value.get("amount")), currency


def amount(value: Any) -> Decimal | None:
    """Return a sum in hundredths, or None; text that is a plain number counts as one."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = Decimal(value.strip())
    if isinstance(value, Decimal):
        return round(value, 2) if 0 < value < LARGEST_SUM else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or not 0 < value < LARGEST_SUM:
        return None
    return round(Decimal(str(value)), 2)


def yes_or_no(value: Any) -> bool | None:
    """Return a truth value, None where there is none."""
    return value if isinstance(value, bool) else None
