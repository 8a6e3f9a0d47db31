"""CEL expressions over events: compiled once, evaluated when an event comes."""

import functools
import re
from typing import Any

import cel

from jobs import serialize
from jobs.errors import InvalidExpression

_PATH = re.compile(r"\b(event|async)((?:\.\w+)+)")
_MOST_MISSING = 20


@functools.lru_cache(maxsize=4096)
def compiled(expression: str) -> cel.Program:
    """Return the compiled expression; InvalidExpression names what is wrong with it."""
    try:
        return cel.compile(expression)
    except ValueError as error:
        raise InvalidExpression(f"{expression!r} is not a CEL expression: {error}") from None


def evaluate(expression: str, event: dict[str, Any], later: dict[str, Any] | None = None) -> Any:
    """Return the expression's value; an attribute that an event lacks is null.

    `event` is the one that started a run and `later`, where there is one, is called `async` in the expression.
    """
    program = compiled(expression)
    seen = {"event": event} if later is None else {"event": event, "async": later}
    try:
        try:
            return _value(program, expression, seen)
        except ValueError:  # a value that CEL does not know, such as a lone surrogate: it gets the visible form
            return _value(program, expression, _plain(serialize.loads(serialize.dumps(seen))))
    except (TypeError, ValueError, RuntimeError, LookupError, ArithmeticError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidExpression(f"{expression!r} cannot be evaluated for {event.get('name')}: {reason}") from None


def _value(program: cel.Program, expression: str, seen: dict[str, Any]) -> Any:
    for _ in range(_MOST_MISSING):
        try:
            return program.execute(seen)
        except KeyError as missing:
            filled = _with_null(expression, seen, str(missing.args[0]))
            if filled is None:
                return None
            seen = filled
    return None


def _with_null(expression: str, seen: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Return a copy in which the attribute of this name, where the expression asks for it, is null.

    Only what evaluating has tripped over is filled in, so that `has()` goes on telling the truth.
    """
    for root, path in _PATH.findall(expression):
        *parents, last = path[1:].split(".")
        copy = inner = dict(seen)
        for parent in [root, *parents]:
            if not isinstance(inner.get(parent), dict):
                break
            inner[parent] = inner = dict(inner[parent])
        else:
            if last == name and last not in inner:
                inner[last] = None
                return copy
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return serialize.visible(value)
    if isinstance(value, dict):
        return {serialize.visible(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
