"""Who may do what with clients: Django's permissions, and the role that a client's own people have for it."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from clients.models import Client, ClientQuerySet, ClientUser, ContentBrief

VIEW = "clients.view_client"
ADD = "clients.add_client"
CHANGE = "clients.change_client"
ENHANCE = "clients.enhance_client"
ADD_QUERY = "clients.add_query"
ADD_BRIEF = "clients.add_contentbrief"
INVITE = "clients.invite_clientuser"
_ROLES = {VIEW: list(ClientUser.Role), CHANGE: [ClientUser.Role.EDITOR]}
Somebody = AbstractBaseUser | AnonymousUser


def visible(user: Somebody) -> ClientQuerySet:
    """Return the clients that this person may see; raises PermissionDenied if that can be none at all."""
    if user.has_perm(VIEW):
        return Client.objects.all()
    own = Client.objects.filter(users__user=user)
    if not own.exists():
        raise PermissionDenied
    return own


def require(request: HttpRequest, permission: str) -> None:
    """Raise PermissionDenied for somebody who lacks the permission for clients in general."""
    if not request.user.has_perms([VIEW, permission]):
        raise PermissionDenied


def client(request: HttpRequest, pk: int, permission: str = VIEW) -> Client:
    """Return a client for which this person has the permission; 403 or 404 otherwise."""
    if request.user.has_perm(VIEW):
        found = get_object_or_404(Client, pk=pk)
        if request.user.has_perm(permission):
            return found
        raise PermissionDenied
    roles = _ROLES.get(permission, [])
    # What somebody may not see is not told apart from what is not there.
    own = Client.objects.filter(pk=pk, users__user=request.user, users__role__in=roles).first()
    if own is None:
        raise PermissionDenied
    return own


def brief(request: HttpRequest, pk: int) -> ContentBrief:
    """Return a brief that this person may see; 403 or 404 otherwise."""
    briefs = ContentBrief.objects.select_related("client")
    if request.user.has_perm(VIEW):
        return get_object_or_404(briefs, pk=pk)
    own = briefs.filter(pk=pk, client__users__user=request.user, client__users__role__in=_ROLES[VIEW]).first()
    if own is None:
        raise PermissionDenied
    return own


def rights(user: Somebody, about: Client | None = None) -> dict[str, Any]:
    """Return what pages offer this person, for templates."""
    sees = user.has_perm(VIEW)
    edits = about is not None and about.users.filter(user=user, role=ClientUser.Role.EDITOR).exists()
    return {
        "may_add": sees and user.has_perm(ADD),
        "may_change": user.has_perm(CHANGE) if sees else edits,
        "may_enhance": sees and user.has_perm(ENHANCE),
        "may_query": sees and user.has_perm(ADD_QUERY),
        "may_brief": sees and user.has_perm(ADD_BRIEF),
        "may_invite": sees and user.has_perm(INVITE),
    }
