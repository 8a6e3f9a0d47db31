"""The snippets of the pages for authors: what they are, and how one of them is executed."""

from datetime import timedelta
from typing import Any

import jobs
from jobs import testing
from jobs.models import Run
from tests.docs import pages

FOLDER = pages.DOCS / "authors"
TEXTS = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.md"))}
SNIPPETS = {
    f"{page}: {title}": "\n\n".join(found)
    for page, text in TEXTS.items()
    for title, section in pages.sections(text).items()
    if (found := pages.blocks(section, "python"))
}


def event(name: str, **data: Any) -> jobs.Event:
    return jobs.Event(name=name, data=data)


def execute(section: str) -> dict[str, Any]:
    """Execute the snippet of a section as a module and return its names."""
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(compile(SNIPPETS[section], section, "exec"), names)
    return names


def drained(name: str, data: dict[str, Any], later: timedelta = timedelta(0)) -> Run:
    """Send an event, execute what is due at once and what is due later, and return the first run it started."""
    [event_id] = jobs.send_sync(jobs.Event(name=name, data=data))
    testing.drain()
    with testing.shift_clock(later):
        testing.drain()
    return Run.objects.filter(events=event_id).order_by("id")[0]
