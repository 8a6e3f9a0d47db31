"""The clients product's Django app."""

from django.apps import AppConfig


class ClientsConfig(AppConfig):
    """Client records that a model enriches, with each answer paid for once."""

    name = "clients"
    default_auto_field = "django.db.models.BigAutoField"
    navigation = (("Clients", "clients:list", "clients.view_client"),)
    key_scope = "Read, add, change and enhance clients"
    # Whoever sends it makes an account and has a link mailed by which its owner signs in.
    protected_events = ("client/user.requested",)
