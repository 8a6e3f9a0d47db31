"""What PostgREST makes of a request: one statement on a real table, and its answer or PostgreSQL's error as JSON.

Only what the Supabase client sends for select, update and upsert is understood; anything else is an error.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

PREFIX = "/rest/v1/"
_NOT_FILTERS = {"select", "on_conflict", "columns"}
_STATUSES = {"23505": 409, "23503": 409, "42P01": 404, "42501": 403}


@dataclass(frozen=True, slots=True)
class Answered:
    """Status and JSON; no body where the client wants none."""

    status: int
    body: Any = None


class Tables:
    """The tables of one schema, behind PostgREST's wire format."""

    def __init__(self, url: str, schema: str) -> None:
        self.url, self.schema = url, schema

    def answer(self, method: str, table: str, query: str, prefer: str, body: bytes) -> Answered:
        """Do what the request asks and return what PostgREST would answer."""
        given = dict(parse_qsl(query, keep_blank_values=True))
        value = json.loads(body) if body else None
        try:
            statement, parameters = self._statement(method, table, given, prefer, value)
            with psycopg.connect(self.url, row_factory=dict_row) as connection:
                rows = connection.execute(statement, parameters).fetchall()
        except psycopg.errors.UndefinedColumn as error:
            words = str(error.diag.message_primary)
            return Answered(400, {"code": "PGRST204", "message": words, "details": None, "hint": None})
        except psycopg.Error as error:
            told = error.diag
            body_of = {"code": error.sqlstate, "message": told.message_primary, "details": told.message_detail}
            return Answered(_STATUSES.get(error.sqlstate or "", 400), {**body_of, "hint": told.message_hint})
        if "return=minimal" in prefer:
            return Answered(204 if method == "PATCH" else 201)
        return Answered(201 if method == "POST" else 200, rows)

    def rows(self, query: str, parameters: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """Return what a query of the test's own finds in these tables."""
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(self.schema)))
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def _statement(self, method: str, table: str, given: dict[str, str], prefer: str, value: Any) -> tuple[Any, list]:
        target = sql.Identifier(self.schema, table)
        where, parameters = _where(given)
        match method:
            case "GET":
                names = [name for name in given.get("select", "*").split(",") if name != "*"]
                chosen = _names(names) if names else sql.SQL("*")
                return sql.SQL("SELECT {} FROM {}{}").format(chosen, target, where), parameters
            case "PATCH":
                names = _names(list(value))
                text = (
                    "UPDATE {t} SET ({n}) = ROW(r.*) FROM (SELECT {n} FROM json_populate_record(NULL::{t}, %s)) r{w} "
                    "RETURNING {t}.*"
                )
                return sql.SQL(text).format(t=target, n=names, w=where), [json.dumps(value), *parameters]
            case "POST":
                return self._insert(target, given, prefer, value), [json.dumps(value)]
        raise psycopg.errors.FeatureNotSupported(f"{method} is not understood here")

    def _insert(self, target: sql.Identifier, given: dict[str, str], prefer: str, value: Any) -> Any:
        names = sorted({name for row in value for name in row})
        conflict = sql.SQL("")
        if "resolution=merge-duplicates" in prefer:
            keys = given["on_conflict"].split(",")
            sets = sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in names if name not in keys
            )
            conflict = sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(_names(keys), sets)
        text = "INSERT INTO {t} ({n}) SELECT {n} FROM json_populate_recordset(NULL::{t}, %s){c} RETURNING *"
        return sql.SQL(text).format(t=target, n=_names(names), c=conflict)


def _names(names: list[str]) -> Any:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _where(given: dict[str, str]) -> tuple[Any, list[Any]]:
    """Return the filters `column=eq.value` as a condition; anything but `eq` is not understood."""
    parts, parameters = [], []
    for name, condition in given.items():
        if name in _NOT_FILTERS:
            continue
        operator, _, value = condition.partition(".")
        if operator != "eq":
            raise psycopg.errors.FeatureNotSupported(f"{operator} is not understood here")
        parts.append(sql.SQL("{}::text = %s").format(sql.Identifier(name)))
        parameters.append(value)
    return (sql.SQL(" WHERE ") + sql.SQL(" AND ").join(parts) if parts else sql.SQL("")), parameters
