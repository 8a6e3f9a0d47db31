"""CEL expressions over events: compiled once, evaluated when an event comes."""

import functools
import re
from itertools import pairwise
from typing import Any

import cel

from jobs import serialize
from jobs.errors import InvalidExpression

LONGEST_FROM_OUTSIDE = 1000
DEEPEST_FROM_OUTSIDE = 16
MOST_TERMS_FROM_OUTSIDE = 200
_PATH = re.compile(r"\b(event|async)((?:\.\w+)+)")
_MOST_MISSING = 20
_QUOTED = (r"[rR]\"[^\"\n]*\"|[rR]'[^'\n]*'", r'"(?:[^"\\\n]|\\.)*"', r"'(?:[^'\\\n]|\\.)*'")
_TOKENS = re.compile(rf"{'|'.join(_QUOTED)}|\w+|\s+|//|\"{{3}}|'{{3}}|.", re.DOTALL)
# Where ours and the parser's reading of quotes could differ, words would hide from us.
_UNCLEAR = {'"', "'", "`", "//", "\\"}
_LOOPS = {"all", "exists", "exists_one", "existsOne"}
_COPIES = {"map", "filter", "reduce"}
MOST_LOOPS_FROM_OUTSIDE = 2


@functools.lru_cache(maxsize=4096)
def compiled(expression: str) -> cel.Program:
    """Return the compiled expression; InvalidExpression names what is wrong with it."""
    try:
        return cel.compile(expression)
    except ValueError as error:
        raise InvalidExpression(f"{expression!r} is not a CEL expression: {error}") from None


def bounded(expression: str) -> str:
    """Return an expression that somebody outside sent, if compiling and evaluating it must be cheap.

    The parser recurses and the macros loop, with the interpreter held, so both are judged from the text alone. What is
    left takes time linear in the size of an event: two loops at most, in which stand their own item and constants.
    """
    if len(expression) > LONGEST_FROM_OUTSIDE:
        raise InvalidExpression(
            f"This expression has {len(expression):,} characters, and {LONGEST_FROM_OUTSIDE:,} are the most."
        )
    tokens = [token for token in _TOKENS.findall(expression) if not token.isspace()]
    if len(tokens) > MOST_TERMS_FROM_OUTSIDE:
        raise InvalidExpression(
            f"This expression has {len(tokens)} words and signs, and {MOST_TERMS_FROM_OUTSIDE} are the most."
        )
    if unclear := sorted(_UNCLEAR.intersection(tokens)):
        raise InvalidExpression(f"This expression has {unclear[0]} where no quoted text is; quote with ' on one line.")
    _judge(tokens)
    return expression


def _judge(tokens: list[str]) -> None:
    """Refuse brackets that stand too deep in each other, lists that are copied, and loops inside a loop."""
    loops = sum(token in _LOOPS for token in tokens)
    if loops > MOST_LOOPS_FROM_OUTSIDE:
        raise InvalidExpression(f"This expression loops {loops} times, and {MOST_LOOPS_FROM_OUTSIDE} are the most.")
    brackets: list[bool] = []
    for before, token in pairwise(["", *tokens]):
        if token in ("(", "[", "{"):
            brackets.append(before in _LOOPS)
        elif token in (")", "]", "}"):
            brackets = brackets[:-1]
        elif token in _COPIES:
            raise InvalidExpression(f"{token} copies lists and is not possible here; ask with all or exists.")
        elif any(brackets) and token in {"event", "async", "in", *_LOOPS}:
            raise InvalidExpression(f"{token} cannot stand inside all or exists; ask that beside it.")
        if len(brackets) > DEEPEST_FROM_OUTSIDE:
            raise InvalidExpression(f"This expression is nested more than {DEEPEST_FROM_OUTSIDE} levels deep.")


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
