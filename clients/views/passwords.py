"""Where somebody who was invited chooses a password."""

from typing import Any

from django.contrib.auth.views import PasswordResetConfirmView
from django.urls import reverse, reverse_lazy


class ChoosePassword(PasswordResetConfirmView):
    """Django's own page for it, by the link of the invitation; it signs the person in and shows their client."""

    template_name = "clients/password.html"
    post_reset_login = True
    post_reset_login_backend = "django.contrib.auth.backends.ModelBackend"
    success_url = reverse_lazy("clients:list")

    def get_success_url(self) -> str:
        """Return the page of their client where they have only one."""
        own: list[Any] = list(self.user.client_memberships.values_list("client", flat=True)[:2])
        return reverse("clients:detail", args=own) if len(own) == 1 else str(self.success_url)
