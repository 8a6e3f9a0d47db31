"""Puts the console in the place of Django's stock admin site."""

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Django's admin with the console as its default site."""

    default_site = "jobs.admin.site.ConsoleSite"

    def ready(self) -> None:
        """Register the console's own pages, then what the products bring."""
        # Imported here: the pages need the models, which load after the app configurations.
        from jobs.admin import events, keys, runs, status

        for pages in (runs, events, keys, status):
            pages.register()
        super().ready()
