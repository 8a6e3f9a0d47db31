"""The pages of clients: what they show, what can be pressed on them, and by whom."""

import pytest

from jobs import testing

pytestmark = pytest.mark.django_db


def page(browser, client):
    return browser.get(client.get_absolute_url()).content.decode()


def test_an_event_ends_as_values_on_the_page(provider, acme, manager):
    assert manager.post(f"/clients/{acme.pk}/enhance/").status_code == 302
    assert "Enhancing" in page(manager, acme)
    testing.drain()
    shown = page(manager, acme)
    for words in ("Manufacturing", "Euro pallets", "Pallet Kings", "Enhanced", "(1 time)", "300 in, 200 out"):
        assert words in shown
    assert shown.count('title="Filled by AI"') == 14
