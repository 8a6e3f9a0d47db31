"""The pull requests product's Django app."""

from django.apps import AppConfig


class PullsConfig(AppConfig):
    """Pull requests of GitHub repositories, captured within GitHub's limits."""

    name = "pulls"
    default_auto_field = "django.db.models.BigAutoField"
    navigation = (("Pull requests", "pulls:repositories", "pulls.view_pullrequest"),)
    key_scope = "Read pull requests"
