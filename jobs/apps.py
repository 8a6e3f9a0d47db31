"""The engine's Django app: it finds every product's `functions.py` when Django starts."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    """Durable runs of Python functions, journaled in PostgreSQL."""

    name = "jobs"
    verbose_name = "Jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and the functions of all apps; look at the first connection."""
        from django.db.backends.signals import connection_created

        from jobs import checks, moments, pooler  # noqa: F401
        from jobs.registry import registry

        moments.teach_django()
        with registry.collecting():
            autodiscover_modules("functions")
        connection_created.connect(pooler.look_once)
