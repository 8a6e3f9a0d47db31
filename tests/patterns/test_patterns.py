"""No expression of the project takes more than linear time on what people may send."""

import json
import re
import subprocess
import sys

import pytest
from django import forms
from django.core.validators import RegexValidator
from django.urls import URLPattern, URLResolver, get_resolver

from tests.patterns import collecting
from tests.patterns.growth import Search

# Made while they run, of words that stand in the code; the patterns they make are held by modules and are judged there.
MADE_OF_CONSTANTS = {
    "clients.forms: re.compile('[\\\\n,;]' if commas else '\\\\n')",
    "tenders.ocds.kinds: re.compile('|'.join(patterns))",
    "transcripts.parsers.cues: re.compile(hint)",
    "transcripts.parsers.cues: re.compile(pattern)",
    "transcripts.parsers.cues: re.compile(pattern, re.IGNORECASE)",
}
# These only see texts of a few hundred characters; longer ones are refused by their length first.
CUT_BEFORE = {"jobs.expressions._TOKENS"}
LENGTH = 30_000
# What goes back and forth is found above; here bounded repeats have to be cheap. One of 300 takes a tenth of a second.
SECONDS = 0.8


@pytest.fixture(scope="module")
def uses():
    return collecting.uses()


def searched(use):
    return Search(use.pattern, searched=use.searched, whole=use.whole)


@pytest.mark.parametrize(
    ("pattern", "verb", "word"),
    [
        (r"\s+$", "search", "\t\t"),
        (r"<[^>]*>", "sub", "<"),
        (r"^(a+)+$", "match", "a"),
        (r"^(?:ab|a|b)*c", "match", "ab"),
        (r"^[^()]+?\s*\(", "match", "\t"),
        (r"[,;]\s*(?![^()]*\))", "split", ","),
        (r"^.*<(.+)>$", "sub", "<"),
        (r"^\s*\d", "multiline", "\n"),
    ],
)
def test_the_checker_finds_what_is_slow(pattern, verb, word):
    flags = re.MULTILINE if verb == "multiline" else 0
    attacks = list(Search(re.compile(pattern, flags), searched=verb != "match", whole=False).attacks())
    assert any(word in attack.word for attack in attacks)
    verb = "match" if verb == "match" else "search"
    took = timed([(pattern, flags, verb, one.text(n)) for one in attacks for n in (6_000, 24_000)], 3)
    # Four times the text in about four times the time would be linear.
    assert took is None or max(long / short for short, long in zip(took[::2], took[1::2], strict=True)) > 7


@pytest.mark.parametrize(
    "pattern", [r"^\s+$", r"\b\w+x", r"[a-z]+", r"<[^<>]*>", r"(?<![\d,.])\d+x", r"(?m)^[ \t]*\d", r"(?s)[/?#].*$"]
)
def test_the_checker_leaves_what_is_quick(pattern):
    assert list(Search(re.compile(pattern), searched=True, whole=False).attacks()) == []


def test_no_expression_of_the_project_can_be_made_to_go_back_and_forth(uses):
    assert len(uses) > 150
    found = {use.place: attack for use in uses for attack in searched(use).attacks() if use.place not in CUT_BEFORE}
    assert found == {}


def test_every_expression_that_is_made_while_it_runs_is_made_of_constants():
    made = {call for call in collecting.unread() if not call.startswith("jobs.redaction: ")}
    assert made <= MADE_OF_CONSTANTS


def test_addresses_and_validators_are_no_slower():
    for pattern in [*addresses(get_resolver()), *validators()]:
        assert list(Search(pattern, searched=False, whole=False).attacks()) == [], pattern.pattern


@pytest.mark.django_db
def test_every_text_that_people_fill_in_has_a_longest_length(uses):
    endless = [
        f"{form.__module__}.{form.__name__}.{name}"
        for form in set(below(forms.BaseForm))
        if form.__module__.partition(".")[0] in collecting.PACKAGES
        for name, field in fields_of(form).items()
        if isinstance(field, forms.CharField) and not field.max_length
    ]
    assert endless == []


@pytest.mark.slow
def test_every_loop_of_every_expression_takes_little_time_on_a_long_text(uses):
    jobs, places = [], []
    for use in uses:
        for pump in searched(use).pumps():
            jobs.append(
                (use.pattern.pattern, use.pattern.flags, "match" if not use.searched else "search", pump.text(LENGTH))
            )
            places.append(use.place)
    assert len(jobs) > 100
    took = timed(jobs, 240)
    assert took is not None
    slow = {place: seconds for place, seconds in zip(places, took, strict=True) if seconds > SECONDS}
    assert slow == {}


def below(kind):
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


def fields_of(form):
    """The fields as a page shows them: a form may exchange some when it is made."""
    try:
        return form().fields
    except TypeError:
        return form.base_fields


def timed(jobs, seconds):
    """The processor time of each search, in a process that may be stopped; None if it had to be."""
    code = (
        "import json, re, sys, time\n"
        "for pattern, flags, verb, text in json.load(sys.stdin):\n"
        "    compiled = re.compile(pattern, flags & ~re.DEBUG)\n"
        "    began = time.process_time()\n"
        "    compiled.match(text) if verb == 'match' else sum(1 for _ in compiled.finditer(text))\n"
        "    print(time.process_time() - began, flush=True)\n"
    )
    command = [sys.executable, "-I", "-c", code]
    try:
        done = subprocess.run(
            command, input=json.dumps(jobs), capture_output=True, text=True, timeout=seconds, check=True
        )
    except subprocess.TimeoutExpired:
        return None
    return [float(line) for line in done.stdout.splitlines()]


def addresses(resolver):
    for item in resolver.url_patterns:
        own = getattr(item.callback, "__module__", "") if isinstance(item, URLPattern) else ""
        regex = item.pattern.regex
        if not own.startswith("django."):
            yield re.compile(regex) if isinstance(regex, str) else regex
        if isinstance(item, URLResolver):
            yield from addresses(item)


def validators():
    from django.apps import apps

    for model in apps.get_models():
        if model.__module__.partition(".")[0] in collecting.PACKAGES:
            for field in model._meta.get_fields():
                for validator in getattr(field, "validators", ()):
                    if isinstance(validator, RegexValidator) and type(validator) is RegexValidator:
                        yield validator.regex
