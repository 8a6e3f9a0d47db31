"""Finds the text on which a regular expression takes more than linear time.

A matcher that goes back takes quadratic time and more where one word can be read in two loops, in the first of them
again and again, on the way from the first to the second, and in the second again and again. Where a pattern is
searched, moving its beginning through the text is the first loop. Bounded repeats count as a few steps; what they cost
is measured instead.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from tests.patterns.automaton import Builder, Graph

_SEARCHING = -1
_ANY = "any"
_MOST = 200_000


@dataclass(frozen=True)
class Attack:
    """A text that the pattern takes long for: the beginning, a word to repeat, and an end that does not match."""

    beginning: str
    word: str
    end: str

    def text(self, length: int) -> str:
        """The attack in about this many characters."""
        return self.beginning + self.word * (length // max(1, len(self.word))) + self.end


class Search:
    """The graph of one pattern, walked by up to three readers at once."""

    def __init__(self, pattern: re.Pattern[str], *, searched: bool, whole: bool) -> None:
        builder = Builder(pattern)
        self.graph: Graph = builder.graph
        self.start = builder.start
        self.searched, self.whole = searched, whole
        self.letters = _classes(builder)
        self.kinds = _kinds(self.letters, self.graph)
        self._near: dict[tuple[int, str, str], frozenset[int]] = {}
        self._next: dict[tuple[int, str, str], frozenset[int]] = {}

    def attacks(self) -> Iterator[Attack]:
        """Every pair of loops through which one word can go in two ways, as a text that shows it."""
        firsts = ([_SEARCHING] if self.searched else []) + [q for q, keeps in self.graph.final.items() if not keeps]
        for second in self.graph.loops:
            if self._always_ends_well(second):
                continue
            for first in firsts:
                if first != second and (word := self._shared(first, second)):
                    yield Attack(self._way_to(first), word, "\x00")
            if word := self._twice(second):
                yield Attack(self._way_to(second), word, "\x00")

    def pumps(self) -> Iterator[Attack]:
        """For every loop a text that stays in it, so that its time can be measured."""
        for loop in self.graph.loops:
            if word := self._round(loop):
                yield Attack(self._way_to(loop), word, "\x00")

    def _always_ends_well(self, loop: int) -> bool:
        """Whether the match succeeds wherever this loop stops, so that nobody ever goes back into it."""
        everything = {character for letter in self.letters for character in letter}
        reads = {
            character for s in self.graph.loops[loop] for chars, _ in self.graph.reads.get(s, ()) for character in chars
        }
        behind = ("",) if everything <= reads else ("", *self.letters)
        if self.whole and behind != ("",):
            return False
        return all(self.graph.ends & self._silent(loop, before, after) for before in self.letters for after in behind)

    def _silent(self, state: int, before: str, after: str) -> frozenset[int]:
        """The states that are reached without reading, between these two characters."""
        if state == _SEARCHING:
            return frozenset({_SEARCHING})
        if (key := (state, before, after)) not in self._near:
            self._near[key] = frozenset(self._reached(state, before, after))
        return self._near[key]

    def _reached(self, state: int, before: str, after: str) -> set[int]:
        found, waiting = {state}, [state]
        while waiting:
            for guard, end in self.graph.asks.get(waiting.pop(), ()):
                if end not in found and (guard is None or before == _ANY or guard(before, after)):
                    found.add(end)
                    waiting.append(end)
        return found

    def _read(self, state: int, before: str, letter: str) -> frozenset[int]:
        """The states right behind a letter."""
        key = (state, before, letter)
        if key not in self._next:
            if state == _SEARCHING:
                found = {_SEARCHING, self.start}
            else:
                near = self._silent(state, before, self.kinds[letter])
                found = {end for s in near for letters, end in self.graph.reads.get(s, ()) if letter in letters}
            self._next[key] = frozenset(found)
        return self._next[key]

    def _shared(self, first: int, second: int) -> str:
        """A word read from the first loop to itself, from the first to the second, and from the second to itself."""
        home = {first} if first == _SEARCHING else self.graph.loops[first]
        away = self.graph.loops[second]
        heard = self._heard(away)
        if not self._may_share((first, first, second), (first, second, second), (home, away), heard):
            return ""
        kinds = sorted({self.kinds[letter] for letter in heard})
        for before, opening in product(kinds, kinds):
            if word := self._walk(
                (first, first, second), (first, second, second), (home, away), heard, before, opening
            ):
                return word
        return ""

    def _heard(self, states: set[int]) -> list[str]:
        """The letters that are read within these states."""
        return [x for x in self.letters if any(x in chars for s in states for chars, _ in self.graph.reads.get(s, ()))]

    def _may_share(self, begin, wanted, homes, heard) -> bool:  # type: ignore[no-untyped-def]
        """The same question with every guard open: quick to deny, and then the slow answer is not needed."""
        queue, seen = deque([begin]), {begin}
        while queue:
            states = queue.popleft()
            for letter in heard:
                for reached in self._triples(states, _ANY, letter, homes):
                    if reached not in seen:
                        if all(q in self._silent(s, _ANY, _ANY) for s, q in zip(reached, wanted, strict=True)):
                            return True
                        seen.add(reached)
                        queue.append(reached)
        return False

    def _twice(self, loop: int) -> str:
        """A word that can be read in two ways within one round of a loop."""
        inside = self.graph.loops[loop]
        heard = self._heard(inside)
        if not self._may_fork(loop, inside, heard):
            return ""
        kinds = sorted({self.kinds[letter] for letter in heard})
        for before, opening in product(kinds, kinds):
            begin = (loop, loop, loop)
            if word := self._walk(begin, begin, (inside, inside), heard, before, opening, parted=True):
                return word
        return ""

    def _may_fork(self, loop: int, inside: set[int], heard: list[str]) -> bool:
        """Whether one letter leads from one place of the loop to two places, every guard open."""
        places = {loop, *(end for s in inside for _, end in self.graph.reads.get(s, ()) if end in inside)}
        return any(len(self._read(place, _ANY, letter) & inside) > 1 for place in places for letter in heard)

    def _walk(  # type: ignore[no-untyped-def]
        self, begin, wanted, homes, heard, before: str, opening: str, *, parted: bool = False
    ) -> str:
        """Breadth first through triples of states; behind the word it begins anew, so its ends must fit each other."""
        queue = deque([(begin, before, opening, False)])
        kinds = {self.kinds[letter] for letter in heard}
        seen = {queue[0]: ""}
        while queue and len(seen) < _MOST:
            at = queue.popleft()
            states, last, kind, apart = at
            for letter in (one for one in heard if self.kinds[one] == kind):
                for reached in self._triples(states, last, letter, homes):
                    differs = apart or (parted and reached[0] != reached[1])
                    closes = kind == before and (differs or not parted)
                    if closes and self._arrived(reached, wanted, kind, opening):
                        return seen[at] + letter
                    for after in kinds:
                        step = (reached, kind, after, differs)
                        if step not in seen:
                            seen[step] = seen[at] + letter
                            queue.append(step)
        return ""

    def _arrived(self, reached, wanted, before: str, after: str) -> bool:  # type: ignore[no-untyped-def]
        return all(goal in self._silent(state, before, after) for state, goal in zip(reached, wanted, strict=True))

    def _triples(self, states, last: str, letter: str, homes) -> Iterator[tuple[int, int, int]]:  # type: ignore[no-untyped-def]
        home, away = homes
        third = self._read(states[2], last, letter) & away
        first = self._read(states[0], last, letter) & home if third else frozenset()
        if first:
            for b in self._read(states[1], last, letter):
                yield from ((a, b, c) for a in first for c in third)

    def _round(self, loop: int) -> str:
        """A word that goes once around this loop."""
        for before in self.letters:
            if word := self._word(loop, before, loop, self.graph.loops[loop]):
                return word
        return ""

    def _way_to(self, state: int) -> str:
        """A text that leads from the beginning of the pattern to this state."""
        if state == _SEARCHING or any(state in self._silent(self.start, "", after) for after in self.letters):
            return ""
        return self._word(self.start, "", state, None)

    def _word(self, start: int, before: str, wanted: int, within: set[int] | None) -> str:
        queue = deque([(start, before)])
        seen = {queue[0]: ""}
        while queue and len(seen) < _MOST:
            state, last = queue.popleft()
            for letter in self.letters:
                for reached in self._read(state, last, letter):
                    word = seen[state, last] + letter
                    if (reached, letter) in seen or (within is not None and reached not in within):
                        continue
                    if any(wanted in self._silent(reached, letter, after) for after in self.letters):
                        return word
                    seen[reached, letter] = word
                    queue.append((reached, letter))
        return ""


def _kinds(letters: list[str], graph: Graph) -> dict[str, str]:
    """For each letter the first that looks the same to a step that only asks about its neighbours."""
    first: dict[tuple[bool, ...], str] = {}
    alike = {}
    for letter in letters:
        looks = (letter == "_" or letter.isalnum(), letter == "\n", *(letter in one for one in graph.beside))
        alike[letter] = first.setdefault(looks, letter)
    return alike


def _classes(builder: Builder) -> list[str]:
    """One character for each kind that this pattern tells apart."""
    sets = list(
        {*builder.graph.beside, *(characters for steps in builder.graph.reads.values() for characters, _ in steps)}
    )
    kinds: dict[tuple[bool, ...], str] = {}
    for character in builder.alphabet:
        word = character == "_" or character.isalnum()
        kinds.setdefault((word, character == "\n", *(character in one for one in sets)), character)
    return list(kinds.values())
