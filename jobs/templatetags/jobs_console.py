"""What pages need to show runs: badges, steps, the timeline, times and JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from jobs import clock, conf
from jobs.admin import counting, navigation, payload, presenting
from jobs.models import Run
from jobs.redaction import blotted
from jobs.types import INTERNAL_PREFIXES

register = template.Library()


@register.inclusion_tag("jobs/_navigation.html", takes_context=True)
def console_navigation(context: Context) -> dict[str, Any]:
    """Render the sidebar."""
    request = context["request"]
    return {"groups": navigation.groups(request), "user": request.user, "request": request}


@register.simple_tag
def status_badge(value: str, tone: str = "", words: str = "") -> SafeString:
    """Render a status as glyph, word and colour; `tone` is the run status whose look it has."""
    tone = tone or value.lower()
    glyph = presenting.GLYPHS.get(tone, "•")
    text = words or value.replace("_", " ").capitalize()
    return format_html('<span class="badge is-{}"><i aria-hidden="true">{}</i>{}</span>', tone, glyph, text)


@register.simple_tag
def status_word(tone: str, words: str) -> SafeString:
    """Render a status as glyph, word and colour without a frame, for dense tables and headings."""
    glyph = presenting.GLYPHS.get(tone, "•")
    return format_html('<span class="tone is-{}"><i aria-hidden="true">{}</i>{}</span>', tone, glyph, words)


@register.simple_tag
def run_badge(run: Run) -> SafeString:
    """Render a run's status."""
    return status_badge(run.status, "", run.get_status_display())


@register.inclusion_tag("jobs/_steps.html")
def run_steps(run: Run) -> dict[str, Any]:
    """Render a run's steps in one line; prefetch `journal` where there are many runs."""
    return {"steps": presenting.steps(run), "run": run}


@register.inclusion_tag("jobs/_timeline.html", takes_context=True)
def run_timeline(context: Context, run: Run) -> dict[str, Any]:
    """Render a run's whole timeline."""
    request = context.get("request")
    may_see, full = (bool(request and request.user.has_perm(f"jobs.view_{what}")) for what in ("run", "payload"))
    return {"timeline": presenting.timeline_of(run), "may_see": may_see, "full": full, "run": run}


@register.inclusion_tag("jobs/_about.html", takes_context=True)
def subject_runs(context: Context, subject: str) -> dict[str, Any]:
    """Render the runs of a product object, which then refresh by themselves."""
    return presenting.about(subject, context["request"].user) | {"request": context["request"]}


@register.inclusion_tag("jobs/_about_steps.html", takes_context=True)
def subject_steps(context: Context, subject: str) -> dict[str, Any]:
    """Render the steps of a product object's newest run in one line, which then refreshes by itself."""
    return presenting.about(subject, context["request"].user) | {"request": context["request"]}


@register.inclusion_tag("jobs/_payload.html")
def payload_json(value: Any, full: bool, name: str = "") -> dict[str, Any]:
    """Render a value as JSON: its first lines, and all of it on demand."""
    text = payload.shown(value, full=full)
    lines = text.split("\n")
    short = "\n".join(lines[: payload.SHORT]) if len(lines) > payload.SHORT + 5 else ""
    return {"text": text, "short": short, "count": len(lines), "name": name, "full": full}


@register.simple_tag
def live_switch() -> SafeString:
    """Render the switch that stops and starts a page's refreshing."""
    return mark_safe(
        '<label class="switch"><input type="checkbox" role="switch" id="live" data-live checked>Live</label>'
    )


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """Return a time as words, with the exact one as its title."""
    if moment is None:
        return "–"
    exact = moment.astimezone(UTC)
    words = presenting.relative((clock.now() - moment).total_seconds())
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        exact.isoformat(),
        exact.strftime("%-d %b %Y, %H:%M:%S UTC"),
        words,
    )


@register.filter
def took(seconds: float | None) -> str:
    """Return a length of time as people say it."""
    return "–" if seconds is None else presenting.length(float(seconds))


@register.filter
def short_id(value: Any) -> SafeString:
    """Render the end of an id; a click copies all of it."""
    full = str(value)
    return format_html(
        '<button type="button" class="id" data-copy="{}" title="{} – click to copy">{}</button>', full, full, full[-8:]
    )


@register.filter
def redacted_json(value: Any) -> str:
    """Return pretty JSON without the values of secret keys."""
    return payload.shown(value, full=True)


@register.filter
def error_line(error: Any) -> str:
    """Return the last line of a stored error's message."""
    return payload.last_line(error)


@register.filter
def capped(count: int) -> str:
    """Return a count as a badge shows it."""
    return f"{navigation.MOST}+" if count > navigation.MOST else str(count)


@register.filter
def grouped(number: int) -> str:
    """Return a number with its thousands apart."""
    return f"{number:,}"


@register.filter
def tally(count: int) -> str:
    """Return how many runs a list counts, as far as it counts."""
    return f"{counting.NEWEST:,}+" if count >= counting.NEWEST else f"{count:,}"


@register.filter
def percent(fraction: float) -> str:
    """Return a fraction as a coordinate on a lane."""
    return f"{fraction * 100:.2f}%"


@register.filter
def percent_wide(fraction: float) -> str:
    """Return a width on a lane, never too thin to see."""
    return percent(max(0.004, fraction))


@register.simple_tag
def slot(number: float, count: int) -> str:
    """Return where one of so many bars begins, or how wide a part of one is."""
    return percent(number / count)


@register.simple_tag
def function_link(function_id: str) -> SafeString:
    """Render a function's name, as a link to its page while the code has it."""
    name = fn(function_id)
    if presenting.function_of(function_id) is None:
        return format_html('<span title="No longer in the code">{}</span>', name)
    return format_html('<a href="{}">{}</a>', reverse("admin:jobs_function", args=[function_id]), name)


@register.filter
def fn(function_id: str) -> str:
    """Return a function's id without the site's own prefix."""
    return function_id.removeprefix(f"{conf.settings().APP_ID}-")


@register.filter
def traceback(stack: Any) -> SafeString:
    """Render a stored stack with the frames of this site's own apps in bold: there somebody can mend something."""
    own = presenting.own_packages()
    lines = printable(stack).split("\n")
    bold = (format_html("<b>{}</b>", line) if line.partition("/")[0] in own else line for line in lines)
    return format_html_join("\n", "{}", ((line,) for line in bold))


@register.filter
def web_address(text: Any) -> str:
    """Return an address of the web as it is, and nothing for any other: a link of outside data may hold a script."""
    return str(text) if str(text).lower().startswith(("https://", "http://")) else ""


@register.filter
def is_internal(name: str) -> bool:
    """Whether only the engine may send events of this name."""
    return name.startswith(INTERNAL_PREFIXES)


@register.filter
def printable(text: Any) -> str:
    """Return text that can be written into a page, without what looks like a secret in it."""
    return payload.printable(blotted(str(text)))
