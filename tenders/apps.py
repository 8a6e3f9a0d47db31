"""The tenders product's Django app."""

from django.apps import AppConfig


class TendersConfig(AppConfig):
    """Public tenders kept in step with OCDS feeds."""

    name = "tenders"
    default_auto_field = "django.db.models.BigAutoField"
    navigation = (("Tenders", "tenders:list", ""),)
