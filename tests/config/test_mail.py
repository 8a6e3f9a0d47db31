"""Mail where no server is set: in the log, and no link in it by which somebody could sign in."""

import logging
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, get_connection

from clients.invitations import link
from config import settings as site


@pytest.mark.django_db
def test_an_invitation_without_a_mail_server_leaves_no_link_in_the_log(caplog: Any, settings: Any) -> None:
    settings.DEBUG = False
    address = link(User.objects.create_user("ann"))
    token = address.rstrip("/").rpartition("/")[2]
    message = EmailMessage("Your access", f"Choose a password:\n{address}\n", to=["ann@example.org"])
    with caplog.at_level(logging.INFO, logger="stepwell.mail"):
        assert get_connection("config.mail.LogBackend").send_messages([message]) == 1
    assert "Your access" in caplog.text
    assert "/clients/invitation/" in caplog.text
    assert token not in caplog.text


def test_each_setting_is_set_once() -> None:
    lines = Path(site.__file__).read_text().splitlines()
    names = [line.partition(" = ")[0] for line in lines if line[:1].isupper() and " = " in line]
    assert [name for name in set(names) if names.count(name) > 1] == []
