"""A JSON column that keeps its text: NUL, lone surrogates, long integers and key order survive."""

from typing import TYPE_CHECKING, Any

from django.db import models

from jobs import serialize

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


class JSONTextField(_TextField):
    """A value stored in a column of PostgreSQL's type json, which keeps the text it was given.

    jsonb would refuse NUL characters and lone surrogates and reorder keys. psycopg decodes what it reads.
    None is stored as NULL; a JSON null is written by the engine's own statements and reads back as None as well.
    """

    def db_type(self, connection: Any) -> str:
        """Return the column's type."""
        return "json"

    def to_python(self, value: Any) -> Any:
        """Return the value as it is: forms do not edit these columns."""
        return value

    def get_prep_value(self, value: Any) -> str | None:
        """Return the JSON text to store."""
        return None if value is None else serialize.dumps(value)
