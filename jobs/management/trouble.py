"""Trouble with the database in one sentence, for people who typed a command."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import OperationalError, ProgrammingError
from psycopg.errors import UndefinedColumn, UndefinedTable


@contextmanager
def in_words() -> Iterator[None]:
    """Turn an absent database and missing tables into what to do about them."""
    try:
        yield
    except OperationalError as error:
        reason = str(error).strip().partition("\n")[0]
        raise CommandError(f"The database is away ({reason}); start it, or look at DATABASE_URL.") from None
    except ProgrammingError as error:
        if isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
            raise CommandError("The engine's tables are not up to date; run `manage.py migrate`.") from None
        raise
