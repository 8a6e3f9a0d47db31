"""A model and a Supabase that stand in, clients and people for the tests of the clients product."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client as Browser

from clients.models import Client
from jobs.models import EventKey
from tests.standins import openai as standin
from tests.standins.openai import OpenAIStandIn


@pytest.fixture
def provider(settings: Any) -> Iterator[OpenAIStandIn]:
    """The model's provider, on this machine, with an answer about a company that makes pallets."""
    with OpenAIStandIn().running() as server:
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = standin.KEY, server.url
        settings.OPENAI_MODEL, settings.OPENAI_TIMEOUT = standin.MODEL, 5.0
        server.script(standin.said(standin.enrichment()))
        yield server


@pytest.fixture
def acme(db: None) -> Client:
    """A client that nobody has enhanced."""
    return Client.objects.create(name="Acme Pallets", domain="acme.example", keywords=["pallets"])


def signed_in(name: str, *permissions: str, **more: Any) -> Browser:
    """A browser of a person with these permissions of the product."""
    user = User.objects.create_user(name, password="secret", email=f"{name}@example.org", **more)
    for codename in permissions:
        user.user_permissions.add(Permission.objects.get(content_type__app_label="clients", codename=codename))
    browser = Browser()
    browser.force_login(user)
    return browser


VERBS = (
    *("view_client", "add_client", "change_client", "enhance_client"),
    *("add_query", "add_contentbrief", "invite_clientuser"),
)


@pytest.fixture
def manager(db: None) -> Browser:
    """Somebody who looks after clients."""
    return signed_in("mara", *VERBS)


@pytest.fixture
def reader(db: None) -> Browser:
    """Somebody who may only look."""
    return signed_in("rhea", "view_client")


@pytest.fixture
def stranger(db: None) -> Browser:
    """Somebody with a login and no permission at all."""
    return signed_in("stan")


@pytest.fixture
def operator(db: None) -> Browser:
    """Somebody who runs the site."""
    browser = Browser()
    browser.force_login(User.objects.create_superuser("opal", password="secret"))
    return browser


@pytest.fixture
def api(db: None) -> Browser:
    """A program with a key."""
    _, secret = EventKey.make("a program", ["clients"])
    return Browser(headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def fresh() -> Callable[[Client], Client]:
    """Read a client again."""
    return lambda client: Client.objects.get(pk=client.pk)
