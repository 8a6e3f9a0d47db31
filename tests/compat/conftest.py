"""Ground for functions in the shape of those for Inngest's Python SDK: a client of a test's own, an empty registry."""

from collections.abc import Iterator

import pytest

import jobs as inngest
from jobs import clock, testing


@pytest.fixture
def client(db: None) -> Iterator[inngest.Client]:
    """The client of an app `shop`; its functions are gone after the test, and the clock is back."""
    with testing.registry(), clock.shifted():
        yield inngest.Client(app_id="shop", is_production=False, event_key="any", signing_key="any", env="test")
