"""A site that really listens, with one event key, and each SDK that sends to it."""

import functools
import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from jobs.models import EventKey
from tests.interop import javascript
from tests.interop.senders import AsyncPythonSender, Connect, JavaScriptSender, PythonSender, Sender

SDKS = ("python", "python-async", "javascript")


@pytest.fixture(scope="session")
def javascript_sdk() -> Path:
    """The folder in which the SDK for JavaScript is installed."""
    try:
        return javascript.installed(settings.VAR_DIR / "interop")
    except javascript.NotInstalled as error:
        reason = f"No SDK for JavaScript to test with: {error}"
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(params=SDKS)
def connect(request: pytest.FixtureRequest) -> Connect:
    """Make a sender for an address and a key, with each SDK in turn."""
    if request.param == "javascript":
        return functools.partial(JavaScriptSender, request.getfixturevalue("javascript_sdk"))
    return {"python": PythonSender, "python-async": AsyncPythonSender}[request.param]


@pytest.fixture
def key(live_server: Any) -> str:
    """The secret of the site's one event key."""
    return EventKey.make("shop", ["send", "read"])[1]


@pytest.fixture
def sender(connect: Connect, live_server: Any, key: str) -> Sender:
    """An SDK that is set up rightly."""
    return connect(live_server.url, key)
