"""Who may do what with imports: Django's permissions, asked behind the login."""

from collections.abc import Callable
from typing import Any, TypeAlias

from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpResponse

View: TypeAlias = Callable[..., HttpResponse]

VIEW = "imports.view_csvbatch"
ADD = "imports.add_csvbatch"
RUN = "imports.run_csvbatch"


def needs(*permissions: str) -> Callable[[View], View]:
    """Lead strangers without a login to it, and answer 403 to people who lack one of the permissions."""

    def decorate(view: View) -> View:
        return login_required(permission_required(permissions, raise_exception=True)(view))

    return decorate


def rights(user: AbstractBaseUser | AnonymousUser) -> dict[str, Any]:
    """Return what pages offer this person, for templates."""
    return {"may_upload": user.has_perms([VIEW, ADD]), "may_run": user.has_perm(RUN)}
