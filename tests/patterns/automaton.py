"""A regular expression as the graph that its matcher walks, read from what Python's own parser made of it."""

import re
import re._constants as c  # type: ignore[import-untyped]
import re._parser as parser  # type: ignore[import-untyped]
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_COPIES = 3
_ODD = "\n\r\t\x00\x1f\x85\xa0\u2028éÉßſ\u0130\u212a\u0660田…\u2013\u2019\u20ac"
_CATEGORIES = {
    c.CATEGORY_DIGIT: r"\d",
    c.CATEGORY_NOT_DIGIT: r"\D",
    c.CATEGORY_SPACE: r"\s",
    c.CATEGORY_NOT_SPACE: r"\S",
    c.CATEGORY_WORD: r"\w",
    c.CATEGORY_NOT_WORD: r"\W",
}
Guard = Callable[[str, str], bool]


@dataclass
class Graph:
    """States are numbers; a step either reads one of some characters, or asks about its two neighbours."""

    reads: dict[int, list[tuple[frozenset[str], int]]] = field(default_factory=dict)
    asks: dict[int, list[tuple[Guard | None, int]]] = field(default_factory=dict)
    ends: set[int] = field(default_factory=set)
    loops: dict[int, set[int]] = field(default_factory=dict)
    final: dict[int, bool] = field(default_factory=dict)
    beside: list[frozenset[str]] = field(default_factory=list)
    size: int = 0

    def state(self) -> int:
        """Add a state."""
        self.size += 1
        return self.size - 1

    def read(self, start: int, characters: frozenset[str], end: int) -> None:
        """Add a step that reads one of these characters."""
        self.reads.setdefault(start, []).append((characters, end))

    def ask(self, start: int, end: int, guard: Guard | None = None) -> None:
        """Add a step that reads nothing; the guard gets the characters before and behind, "" where the text ends."""
        self.asks.setdefault(start, []).append((guard, end))


class Builder:
    """Makes the graph of one pattern."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.graph = Graph()
        self.groups: dict[int, object] = {}
        tree = parser.parse(pattern.pattern, pattern.flags)
        self.alphabet = sorted({*map(chr, range(128)), *_ODD, *_named_in(tree)})
        self.start = self.graph.state()
        self.graph.ends.add(self._sequence(tree, self.start, pattern.flags))

    def _sequence(self, items: object, at: int, flags: int) -> int:
        for op, value in items:  # type: ignore[attr-defined]
            at = self._item(op, value, at, flags)
        return at

    def _item(self, op: object, value: object, at: int, flags: int) -> int:
        if op in (c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN):
            return self._character(op, value, at, flags)
        if op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            return self._repeat(value, at, flags, keeps=op is c.POSSESSIVE_REPEAT)
        if op is c.SUBPATTERN:
            number, added, removed, inner = value  # type: ignore[misc]
            self.groups[number] = inner
            return self._sequence(inner, at, (flags | added) & ~removed)
        if op is c.ATOMIC_GROUP:
            return self._sequence(value, at, flags)
        if op is c.GROUPREF:
            return self._sequence(self.groups[value], at, flags)  # type: ignore[index]
        if op is c.BRANCH:
            return self._branch(value[1], at, flags)  # type: ignore[index]
        if op is c.GROUPREF_EXISTS:
            return self._branch([part for part in value[1:] if part is not None], at, flags)  # type: ignore[index]
        if op in (c.ASSERT, c.ASSERT_NOT):
            return self._assertion(value, at, flags, wanted=op is c.ASSERT)
        return self._place(value, at, flags)

    def _character(self, op: object, value: object, at: int, flags: int) -> int:
        end = self.graph.state()
        self.graph.read(at, self._characters(op, value, flags), end)
        return end

    def _characters(self, op: object, value: object, flags: int) -> frozenset[str]:
        def fits(character: str) -> bool:
            if op is c.ANY:
                return character != "\n" or bool(flags & re.DOTALL)
            cases = (character.lower(), character.upper()) if flags & re.IGNORECASE else ()
            alike = {character, *(case for case in cases if len(case) == 1)}
            if op is c.IN:
                return any(_in_set(value, one, flags) for one in alike)  # type: ignore[arg-type]
            return (chr(value) in alike) == (op is c.LITERAL)  # type: ignore[arg-type]

        return frozenset(filter(fits, self.alphabet))

    def _branch(self, parts: list[object], at: int, flags: int) -> int:
        end = self.graph.state()
        for part in parts:
            begin = self.graph.state()
            self.graph.ask(at, begin)
            self.graph.ask(self._sequence(part, begin, flags), end)
        return end

    def _repeat(self, value: object, at: int, flags: int, *, keeps: bool) -> int:
        least, most, inner = value  # type: ignore[misc]
        for _ in range(min(least, _COPIES)):
            at = self._sequence(inner, at, flags)
        end = self.graph.state()
        if most is c.MAXREPEAT:
            again = self.graph.state()
            self.graph.ask(at, again)
            before = self.graph.size
            self.graph.ask(self._sequence(inner, again, flags), again)
            self.graph.loops[again] = {again, *range(before, self.graph.size)}
            self.graph.final[again] = keeps
            self.graph.ask(again, end)
            return end
        for _ in range(min(most - least, _COPIES)):
            self.graph.ask(at, end)
            at = self._sequence(inner, at, flags)
        self.graph.ask(at, end)
        return end

    def _assertion(self, value: object, at: int, flags: int, *, wanted: bool) -> int:
        direction, inner = value  # type: ignore[misc]
        end = self.graph.state()
        one = inner[0] if len(inner) == 1 and inner[0][0] in (c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN) else None
        if one is not None:
            allowed = self._characters(one[0], one[1], flags)
            side = 0 if direction < 0 else 1
            self.graph.beside.append(allowed)
            self.graph.ask(at, end, lambda *beside: (beside[side] in allowed) == wanted)
        else:
            self.graph.ask(at, end)
            if direction > 0:
                begin = self.graph.state()
                self.graph.ask(at, begin)
                self.graph.ends.add(self._sequence(inner, begin, flags))
        return end

    def _place(self, value: object, at: int, flags: int) -> int:
        end = self.graph.state()
        guards: dict[object, Guard] = {
            c.AT_BEGINNING: lambda before, _: not before or bool(before == "\n" and flags & re.MULTILINE),
            c.AT_BEGINNING_STRING: lambda before, _: not before,
            c.AT_END: lambda _, after: after in ("", "\n"),
            c.AT_END_STRING: lambda _, after: not after,
            c.AT_BOUNDARY: lambda before, after: _is_word(before) != _is_word(after),
            c.AT_NON_BOUNDARY: lambda before, after: _is_word(before) == _is_word(after),
        }
        self.graph.ask(at, end, guards[value])
        return end


def _is_word(character: str) -> bool:
    return character == "_" or character.isalnum()


def _in_set(items: list[tuple[object, object]], character: str, flags: int) -> bool:
    negated = any(op is c.NEGATE for op, _ in items)
    found = False
    for op, value in items:
        if op is c.LITERAL:
            found = found or chr(value) == character  # type: ignore[arg-type]
        elif op is c.RANGE:
            found = found or value[0] <= ord(character) <= value[1]  # type: ignore[index]
        elif op is c.CATEGORY:
            found = found or re.match(_CATEGORIES[value], character, flags & re.ASCII) is not None
    return found != negated


def _named_in(tree: object) -> Iterator[str]:
    """Every character that the pattern names, and those just outside of its ranges."""
    if isinstance(tree, parser.SubPattern | list | tuple):
        if len(tree) == 2 and tree[0] in (c.LITERAL, c.NOT_LITERAL):  # type: ignore[arg-type]
            yield from (chr(tree[1]), chr(tree[1]).swapcase()[:1])
        elif len(tree) == 2 and tree[0] is c.RANGE:  # type: ignore[arg-type]
            yield from map(chr, (tree[1][0], tree[1][1], min(tree[1][1] + 1, 0x10FFFF)))
        else:
            for item in tree:  # type: ignore[attr-defined]
                yield from _named_in(item)
