"""An app for clusters under test, which brings the processors of `tests.imports.rows` along."""

from django.apps import AppConfig


class Shop(AppConfig):
    """Sells what the tests import."""

    name = "tests.imports"
    label = "shop"
