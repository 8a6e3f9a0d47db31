"""What products register to happen to a row of a file: a function with a decorator, and the columns it reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from django.utils.module_loading import autodiscover_modules

MODULE = "rows"
"""Processors are found in the module of this name of every installed app when Django starts."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_-]*")


class RowError(Exception):
    """This row cannot be taken; the message is one sentence for people, with the value and the way out."""


class BadAnswer(RowError):
    """What `ask` returned is of no use: the row fails, and trying it again asks (and pays) anew."""


class UnknownProcessor(LookupError):
    """No processor is registered under this name."""


@dataclass(frozen=True)
class Column:
    """A column that a processor reads: the key under which it gets the cell, and what headers may call it."""

    name: str
    title: str = ""
    aliases: tuple[str, ...] = ()
    hint: str = ""

    @property
    def label(self) -> str:
        """What people see."""
        return self.title or self.name.replace("_", " ").capitalize()

    @property
    def known_as(self) -> list[str]:
        """Every name a header may have for it, the most telling first."""
        return [self.name, self.label, *self.aliases]


@dataclass(frozen=True)
class Row:
    """One row as a processor gets it: `data` has a cell for each column, stripped, "" where the file has none."""

    pk: int
    batch: int
    number: int
    """The physical line of the file (of a spreadsheet: the row) where it begins."""
    data: Mapping[str, str]


Ask: TypeAlias = Callable[[Row], Any]
"""Runs outside of any transaction, on the network, maybe for money; its JSON answer is committed before going on."""
Apply: TypeAlias = Callable[[Row, Any], Any]
"""Runs in the transaction that marks the row as done, with the answer (None without `ask`); returns JSON."""
Many: TypeAlias = Callable[[Sequence[Row]], Sequence[Any]]
"""Runs in the transaction that marks all these rows; returns for each, in order, JSON or a RowError."""
A = TypeVar("A", bound=Apply)
M = TypeVar("M", bound=Many)


def _nothing_missing() -> str:
    return ""


@dataclass(frozen=True)
class Processor:
    """A registered processor. Batch size, delay and timeout (seconds) are None where the settings decide."""

    name: str
    title: str
    required: tuple[Column, ...]
    optional: tuple[Column, ...] = ()
    description: str = ""
    apply: Apply | None = None
    ask: Ask | None = None
    many: Many | None = None
    batch_size: int | None = None
    delay: float | None = None
    timeout: float | None = None
    unavailable: Callable[[], str] = field(default=_nothing_missing, compare=False)
    """Says in words why it cannot be used now (a missing key, say), "" while it can."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """All its columns, the required ones first."""
        return (*self.required, *self.optional)


_known: dict[str, Processor] = {}


def each_row(
    name: str,
    *,
    title: str,
    required: Sequence[Column],
    optional: Sequence[Column] = (),
    ask: Ask | None = None,
    batch_size: int | None = None,
    delay: float | None = None,
    timeout: float | None = None,
    unavailable: Callable[[], str] = _nothing_missing,
) -> Callable[[A], A]:
    """Register `apply(row, answer)` for rows that are taken one by one, several at the same time.

    `ask(row)` is the part that talks to others: it has no transaction, and what it returns is stored with the row
    before `apply` begins, so that it is never asked for twice. `apply` runs in the transaction that marks the row as
    done: both happen once, or neither. A RowError or any other exception fails the row alone, and BadAnswer forgets the
    answer with it; either part may raise `jobs.RetryAfterError` to be called again at that time, up to twice.
    """

    def decorate(apply: A) -> A:
        made = Processor(
            name=name,
            title=title,
            required=tuple(required),
            optional=tuple(optional),
            description=_first_line(apply),
            apply=apply,
            ask=ask,
            batch_size=batch_size,
            delay=delay,
            timeout=timeout,
            unavailable=unavailable,
        )
        register(made)
        return apply

    return decorate


def many_rows(
    name: str,
    *,
    title: str,
    required: Sequence[Column],
    optional: Sequence[Column] = (),
    batch_size: int = 1000,
    delay: float = 0,
    timeout: float | None = None,
    unavailable: Callable[[], str] = _nothing_missing,
) -> Callable[[M], M]:
    """Register `process(rows)` for work in the database alone, which gets a whole batch of rows in one transaction.

    It returns a result for each row, in order: JSON, or a RowError for a row that cannot be taken. If it raises, what
    it did is rolled back and it is called again for each row by itself, so that one bad row stops no other.
    """

    def decorate(process: M) -> M:
        made = Processor(
            name=name,
            title=title,
            required=tuple(required),
            optional=tuple(optional),
            description=_first_line(process),
            many=process,
            batch_size=batch_size,
            delay=delay,
            timeout=timeout,
            unavailable=unavailable,
        )
        register(made)
        return process

    return decorate


def register(processor: Processor) -> None:
    """Make a processor known; ValueError says what is wrong with it."""
    if not _NAME.fullmatch(processor.name):
        raise ValueError(f"{processor.name!r} is no name of a processor; write it as “app.verb”.")
    if processor.name in _known:
        raise ValueError(f"The processor {processor.name!r} is defined twice.")
    names = [column.name for column in processor.columns]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"The columns of {processor.name!r} must have names of their own, and be at least one: {names}."
        )
    _known[processor.name] = processor


def get(name: str) -> Processor:
    """Return a processor by its name, or raise UnknownProcessor."""
    try:
        return _known[name]
    except KeyError:
        known = ", ".join(sorted(_known)) or "none"
        raise UnknownProcessor(f"“{name}” is no processor of this site; there are: {known}.") from None


def every() -> list[Processor]:
    """Return all processors in the order of their titles."""
    return sorted(_known.values(), key=lambda each: each.title)


def discover() -> None:
    """Import the module `rows` of every installed app that has one."""
    autodiscover_modules(MODULE)


@contextmanager
def isolated() -> Iterator[None]:
    """Start without any processor and put everything back at the end; for tests."""
    before = dict(_known)
    _known.clear()
    try:
        yield
    finally:
        _known.clear()
        _known.update(before)


def _first_line(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip().split("\n", 1)[0]
