"""The Django app of bulk imports."""

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    """Files of many rows, handed row by row to what products registered for them."""

    name = "imports"
    default_auto_field = "django.db.models.BigAutoField"
    navigation = (("Imports", "imports:list", "imports.view_csvbatch"),)
    key_scope = "Upload, steer and read imports"

    def ready(self) -> None:
        """Find what products register for rows."""
        from imports import processors

        processors.discover()
