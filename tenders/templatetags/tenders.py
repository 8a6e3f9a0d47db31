"""How pages word what a tender says: its value, when it closes, and who filled a field in."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from tenders.models import Tender

register = template.Library()
SOON_DAYS = 3
_NOTHING = mark_safe("")
BY = {"portal": "looked up", "preference points": "from the preference points", "model": "chosen by a model"}


@register.simple_tag
def value_of(tender: Tender) -> SafeString | str:
    """The value with its currency, else the range it lies in."""
    if tender.value is not None:
        return _sum(tender.value, tender.currency)
    low, high = tender.value_low, tender.value_high
    if low is not None and high is not None:
        return f"{_sum(low, tender.currency)} to {_sum(high, '')}"
    if high is not None:
        return f"up to {_sum(high, tender.currency)}"
    if low is not None:
        return f"from {_sum(low, tender.currency)}"
    return mark_safe('<span class="muted">Not disclosed</span>')


def _sum(value: Decimal, currency: str) -> str:
    digits = f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.2f}"
    return f"{currency} {digits}".strip()


@register.simple_tag
def closing(tender: Tender) -> SafeString:
    """When it closes on the clocks of its source; soon in amber, over in grey."""
    at = tender.closes_at
    if at is None:
        return mark_safe('<span class="muted">No date</span>')
    local: Any = tender.local(at)
    words, zone = f"{local:%-d %b %Y, %H:%M}", local.tzname()
    return format_html('<time class="{}" datetime="{}" title="{}">{}</time>', _tone(at), at.isoformat(), zone, words)


def _tone(at: datetime) -> str:
    days = (at - timezone.now()).total_seconds() / 86_400
    return "muted" if days < 0 else "soon" if days < SOON_DAYS else ""


@register.simple_tag
def published(tender: Tender) -> SafeString:
    """The day of the release on the clocks of its source."""
    local: Any = tender.local(tender.released_at)
    return format_html("<time>{}</time>", f"{local:%-d %b %Y}") if local else mark_safe("Undated")


@register.simple_tag
def fact(tender: Tender, field: str, words: str) -> SafeString:
    """A row of facts, nothing for an empty field; with who filled it in, if that was not the publisher."""
    value = getattr(tender, field)
    if value in (None, ""):
        return _NOTHING
    shown = _shown(tender, value)
    return format_html("<div><dt>{}</dt><dd>{}{}</dd></div>", words, shown, filled(tender, field))


def _shown(tender: Tender, value: Any) -> Any:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return f"{tender.local(value):%-d %b %Y, %H:%M}"
    return value


@register.simple_tag
def filled(tender: Tender, field: str) -> SafeString:
    """Who filled a field in; nothing for the publisher's own words."""
    by = tender.filled_by.get(field)
    return format_html(' <span class="pill">{}</span>', BY.get(by, by)) if by else _NOTHING
