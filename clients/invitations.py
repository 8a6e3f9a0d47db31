"""People of a client: their account, and the mail with a link by which they choose a password."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from clients.models import Client, ClientUser
from clients.requests import UserRequest
from jobs import clock
from jobs.errors import NonRetriableError

AT_HOME = "http://localhost:8000"


def create(asked: UserRequest) -> dict[str, Any]:
    """Make or find the account of this address and tie it to the client: {"user", "member", "created"}.

    The address is the user name, so two requests at once make one account. Somebody who has an account already keeps
    it as it is; only the role follows the newest request. Call it in the transaction that journals it.
    """
    client = Client.objects.filter(pk=asked.client_id).first()
    if client is None:
        raise NonRetriableError(f"There is no client {asked.client_id}; it may have been deleted.")
    email = asked.email.lower()
    user, created = User.objects.filter(email__iexact=email).order_by("pk").first(), False
    if user is None:
        names = {"first_name": asked.first_name, "last_name": asked.last_name}
        # No password yet: nobody can sign in before the link was used.
        new = {"email": email, "password": "!", **names}
        user, created = User.objects.get_or_create(username=email, defaults=new)
    member, _ = ClientUser.objects.update_or_create(user=user, client=client, defaults={"role": asked.role})
    return {"user": user.pk, "member": member.pk, "created": created}


def mail(member_id: int, run_id: str, *, resend: bool) -> bool:
    """Mail the invitation, once unless `resend`; returns whether it was mailed.

    Somebody who has a password needs no link, and gets none: whoever may invite must not be able to reset it. A worker
    that dies between the mail server's answer and the commit mails again under the same Message-ID.
    """
    member = ClientUser.objects.select_related("user", "client").filter(pk=member_id).first()
    if member is None:
        raise NonRetriableError("The invitation was withdrawn meanwhile.")
    has_access = member.user.has_usable_password() or not member.user.is_active
    if has_access or (member.invited_at and not resend):
        return False
    _message(member, run_id).send()
    member.invited_at = clock.now()
    member.save(update_fields=["invited_at"])
    return True


def link(user: User) -> str:
    """Return the address where this user chooses a password, good until they have or PASSWORD_RESET_TIMEOUT is over."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("clients:password", args=[uid, default_token_generator.make_token(user)])
    return f"{settings.SITE_URL or AT_HOME}{path}"


def _message(member: ClientUser, run_id: str) -> EmailMessage:
    days = settings.PASSWORD_RESET_TIMEOUT // 86_400
    context = {"member": member, "link": link(member.user), "days": days}
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    return EmailMessage(
        subject=f"Your access to {' '.join(member.client.name.split())}",
        body=render_to_string("clients/invitation.txt", context),
        to=[member.user.email],
        headers={"Message-ID": f"<invitation-{run_id}@{host}>"},
    )
