"""People, files and a scripted parser for the tests of the transcripts product."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jobs.models import EventKey
from transcripts import parsers, uploads
from transcripts.insights import ClassifiedRole, Insights
from transcripts.models import Account, Opportunity, Transcript
from transcripts.parsers import Parsed

CALL = """Anna Berg (Northwind): We lose about two hours a day because the reports are built by hand.
Tom Okafor (Stepwell): What would it mean for you to get them automatically?
Anna Berg (Northwind): It would save us 40,000 euros a year. I will send you the contract list by Friday, 4 December.
"""
FOUND = {
    "pain_points": ["Reports are built by hand"],
    "goals": ["Automatic reports"],
    "people": [
        {"name": "Anna Berg", "organization": "Northwind", "role": "Head of Finance"},
        {"name": "Tom Okafor", "organization": "Unknown", "role": "Unknown"},
    ],
    "next_steps": ["Anna sends the contract list by Friday, 4 December"],
    "key_quotes": ["It would save us 40,000 euros a year."],
    "call_sentiment": {"overall": "positive", "momentum": "forward", "enthusiasm": "high"},
}


class ScriptedParser:
    """Answers with what it was given, in order; an exception is raised. The last answer repeats."""

    def __init__(self) -> None:
        self.answers: list[Any] = [FOUND]
        self.roles: Any = None
        self.asked: list[str] = []
        self.meanwhile: Callable[[], Any] = lambda: None

    def parse(self, text: str) -> Parsed:
        """Give the next answer."""
        self.asked.append(text)
        self.meanwhile()
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return Parsed(Insights.model_validate(answer), "the raw answer", "scripted", "scripted-1")

    def classify(self, people: Any, text: str) -> list[ClassifiedRole]:
        """Give everybody the same part."""
        if isinstance(self.roles, Exception):
            raise self.roles
        return [ClassifiedRole.CHAMPION] * len(people)


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> ScriptedParser:
    """The parser that runs will ask."""
    scripted = ScriptedParser()
    monkeypatch.setattr(parsers, "current", lambda: scripted)
    return scripted


@pytest.fixture
def stored(db: None) -> Callable[..., Transcript]:
    """Upload a call as code would."""

    def store(content: str | bytes = CALL, name: str = "call.txt", **about: Any) -> Transcript:
        body = content.encode() if isinstance(content, str) else content
        return uploads.receive(SimpleUploadedFile(name, body), uploads.About(**about))

    return store


@pytest.fixture
def opportunity(db: None) -> Opportunity:
    """A sale to write histories for."""
    return Opportunity.objects.create(account=Account.objects.create(name="Northwind"), name="Reporting")


def person(name: str, *permissions: str, **more: Any) -> User:
    """Make a user with these permissions."""
    user = User.objects.create_user(name, password="secret", **more)
    for label in permissions:
        app, codename = label.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def signed_in(user: User) -> Client:
    """A browser of this person."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def seller(db: None) -> Client:
    """Somebody who sells: may upload, see, retry and make contacts."""
    verbs = ("view_transcript", "add_transcript", "retry_transcript", "add_contact")
    return signed_in(person("sella", *(f"transcripts.{verb}" for verb in verbs)))


@pytest.fixture
def reader(db: None) -> Client:
    """Somebody who may only look."""
    return signed_in(person("rhea", "transcripts.view_transcript"))


@pytest.fixture
def stranger(db: None) -> Client:
    """Somebody with a login and no permission at all."""
    return signed_in(person("stan"))


@pytest.fixture
def operator(db: None) -> Client:
    """Somebody who runs the site."""
    return signed_in(User.objects.create_superuser("opal", password="secret"))


@pytest.fixture
def api(db: None) -> Client:
    """A program with a key."""
    _, secret = EventKey.make("a program", ["transcripts"])
    return Client(headers={"Authorization": f"Bearer {secret}"})
