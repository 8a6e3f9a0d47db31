"""A link that comes from outside is one of the web, or no link."""

import re
from pathlib import Path

import pytest
from django.urls import reverse

from jobs.templatetags.jobs_console import web_address
from tenders.models import Publication, Tender

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
# What code of ours makes with `reverse`, or has checked against the site's own host.
OURS = {"subject.1", "about.1", "entry.url", "child.url", "address", "next", "steps_url", "contacts_url", "again.url"}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://example.com/a?b=c", "https://example.com/a?b=c"),
        ("HTTP://example.com", "HTTP://example.com"),
        ("javascript:alert(1)", ""),
        (" javascript:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//example.com", ""),
        ("CC BY 4.0", ""),
        ("", ""),
    ],
)
def test_only_addresses_of_the_web_become_links(given: str, shown: str) -> None:
    assert web_address(given) == shown


def test_every_link_that_a_template_makes_of_a_value_is_ours_or_looked_at() -> None:
    for path in TEMPLATES.rglob("*.html"):
        for value in re.findall(r"(?:href|src|action)=\"\{\{ ?([^}]{1,200}?) ?\}\}\"", path.read_text()):
            safe = value.endswith(("|web_address", ".get_absolute_url")) or value in OURS
            assert safe, f"{path}: {value} needs |web_address"


@pytest.mark.django_db
def test_a_licence_that_is_a_script_is_shown_as_text(client) -> None:
    published = Publication.objects.create(publisher="Somebody", licence="javascript:alert(document.domain)")
    tender = Tender.objects.create(ocid="ocds-1", source="file", publication=published)
    html = client.get(reverse("tenders:detail", args=[tender.ocid])).content.decode()
    assert "javascript:alert(document.domain)" in html
    assert 'href="javascript:' not in html
