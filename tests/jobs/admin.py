"""People who open the console in tests: an operator, a reader without payloads, staff without rights, a stranger."""

from django.contrib.auth.models import Permission, User
from django.test import Client


def a_user(name: str, *permissions: str, staff: bool = True) -> User:
    """Make a user with permissions of the engine."""
    user = User.objects.create_user(name, is_staff=staff)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="jobs", codename__in=permissions))
    return user


def signed_in(name: str, *permissions: str, staff: bool = True) -> Client:
    """Return a browser in which such a user is signed in."""
    client = Client()
    client.force_login(a_user(name, *permissions, staff=staff))
    return client


def operator() -> Client:
    """Return a browser of somebody who may do everything."""
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    return client
