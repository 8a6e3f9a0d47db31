"""What can be wrong with a request to GitHub, and whether asking again makes sense."""

from __future__ import annotations

from datetime import datetime

from jobs.errors import NonRetriableError, RetryAfterError


class GitHubUnavailable(Exception):
    """GitHub gave no usable answer this time; asking again may help."""


class GitHubRefused(NonRetriableError):
    """GitHub will not answer this request, however often it is asked."""


class NotThere(GitHubRefused):
    """GitHub knows nothing under this address, or shows it to nobody with this token."""


class Limited(RetryAfterError):
    """GitHub may not be asked before a time; nobody sleeps until then."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message, until)
        self.until = until


class BudgetSpent(Limited):
    """Our own count says that the limit, less the reserve, is used up; GitHub was not asked."""


class PrimaryLimit(Limited):
    """GitHub itself says that the requests of this window are used up."""


class SecondaryLimit(Limited):
    """GitHub finds that we ask too much at once."""
