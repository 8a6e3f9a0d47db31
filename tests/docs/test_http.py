"""The page about the HTTP API names every address, and its examples work as they stand."""

import json
import re
import shlex
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import resolve

from clients import api_urls as client_urls
from clients.models import Client as ClientRecord
from imports import api_urls as imports_urls
from imports.models import CsvBatch
from jobs import keys, testing, urls
from jobs.models import EventKey
from pulls import webhooks
from tests.docs import pages
from transcripts import api_urls

TEXT = (pages.DOCS / "http.md").read_text()
CALL = b"""Anna Berg: We lose about two hours a day because the reports are built by hand, and nobody likes to do that.
Tom Okafor: What would it mean for you to get them automatically?
"""
ROWS = b"name,domain\nNorthwind,northwind.example\nContoso,contoso.example\n"

pytestmark = pytest.mark.django_db


def addresses() -> list[tuple[str, str]]:
    """Method and path of every address that is named as `GET /path`."""
    return re.findall(r"`(GET|POST|DELETE) (/[^`]*)`", TEXT)


def commands() -> list[list[str]]:
    """Every curl example, split into words."""
    lines = "\n".join(pages.blocks(TEXT, "sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("curl")]


def test_every_address_that_is_named_exists_and_none_is_left_out() -> None:
    named = {re.sub(r"<(\w+)>", "1", path) for _, path in addresses()}
    views = {resolve(path).func for path in named}
    apps = (api_urls, imports_urls, client_urls)
    existing = {pattern.callback for each in (urls, *apps) for pattern in each.urlpatterns} | {webhooks.receive}
    assert views == existing


class Caller:
    """Does what curl would do, with the words of one example."""

    def __init__(self) -> None:
        self.client = Client()
        self.known = {"SITE": "", "KEY": EventKey.make("docs", keys.scopes())[1], "EVENT": ""}

    def call(self, words: list[str]) -> Any:
        """Send the request of an example and return its answer."""
        words = [re.sub(r"\$([A-Z]+)", lambda found: self.known[found[1]], word) for word in words]
        given: dict[str, list[str]] = {}
        rest = iter(words)
        path = ""
        for word in rest:
            if word.startswith("-"):
                given.setdefault(word, []).append(next(rest))
            else:
                path = word
        headers = dict(header.split(": ", 1) for header in given.get("-H", []))
        method = given.get("-X", ["POST" if {"-d", "-F"} & set(given) else "GET"])[0]
        if "-F" in given:
            return self.client.post(path, dict(map(self._field, given["-F"])), headers=headers)
        return self.client.generic(method, path, headers=headers, **self._body(given))

    def _body(self, given: dict[str, list[str]]) -> dict[str, Any]:
        if "-d" not in given:
            return {}
        return {"data": "&".join(given["-d"]), "content_type": "application/x-www-form-urlencoded"}

    def _field(self, field: str) -> tuple[str, Any]:
        name, _, value = field.partition("=")
        content = ROWS if value.endswith(".csv") else CALL
        return (name, SimpleUploadedFile(value[1:], content)) if value.startswith("@") else (name, value)


def _with_newest(word: str) -> str:
    """Name the newest row where an example names the first: ids do not begin at 1 again with each test."""
    for product, model in (("clients", ClientRecord), ("imports", CsvBatch)):
        newest = model.objects.order_by("-pk").values_list("pk", flat=True).first()
        word = word.replace(f"/{product}/1/", f"/{product}/{newest}/")
    return word


@pytest.mark.usefixtures("media_folder")
def test_the_examples_are_answered_as_the_page_says() -> None:
    caller = Caller()
    answers = []
    for words in commands():
        response = caller.call([_with_newest(word) for word in words])
        is_json = response["Content-Type"].startswith("application/json")
        answers.append((response.status_code, json.loads(response.content) if is_json else {}))
        caller.known["EVENT"] = answers[0][1]["ids"][0]
        testing.drain()
    codes = [200, 200, 200, 200, 200, 200, 200, 201, 200, 200, 201, 200, 409]
    assert [code for code, _ in answers] == [*codes, 201, 200, 201, 200, 200]
    fields = [set(json.loads(block)) for block in pages.blocks(TEXT, "json")]
    runs = answers[5][1]["data"]
    assert fields == [set(answers[0][1]), set(runs[0]), *(set(answers[n][1]) for n in (6, 7, 9, 10, 13, 14, 16))]
    assert runs[0]["output"]["message"] == "Hello, Ada!"
    assert answers[11][1]["status"] == "COMPLETED"
    assert answers[16][1]["clients"][0]["domain"] == "northwind.example"
    assert answers[17][1]["key_products"] == ["Boats", "Moorings"]
