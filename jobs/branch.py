"""One line of steps in a pass: the body itself, or a branch of a parallel group, with its own numbering of repeats.

Steps are found in the journal by their id, so what two branches call their steps must come out the same in each pass,
whichever thread is faster. The first steps of branches are numbered in the order of the branches, which begin one after
the other; after its first step, a branch numbers for itself, under the key of that step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from jobs.journal import Outcome, key_of


class Branch:
    """Where a pass has come to in one of its lines."""

    def __init__(self, parent: Branch | None = None, *, begun: Callable[[], None] = lambda: None) -> None:
        self.parent = parent
        self.outcome: Outcome | None = None
        self.keys: list[str] = []
        """Its steps, and those of groups within it; by the first of them it is known."""
        self.first: tuple[str, str] | None = None
        """The id and the key of its first step, as far as they are known before it has come there."""
        self.begun = begun
        self.repeats: dict[str, int] = {}
        self._lost = False

    @property
    def lost(self) -> bool:
        """Whether a race goes on without it: no further step may begin."""
        return self._lost or (self.parent is not None and self.parent.lost)

    def lose(self) -> None:
        """Let it go: a race has been decided."""
        self._lost = True

    def key(self, step_id: str) -> str:
        """Return the journal key of the step that this line has come to."""
        key = self._key(step_id)
        line: Branch | None = self
        while line is not None:
            if not line.keys:
                line.first = step_id, key
            line.keys.append(key)
            line.begun()
            line = line.parent
        return key

    def _key(self, step_id: str) -> str:
        if self.parent is not None and not self.keys:
            if self.first is not None and self.first[0] == step_id:
                return self.first[1]
            return self.parent._key(step_id)
        repeat = self.repeats[step_id] = self.repeats.get(step_id, -1) + 1
        return key_of(f"{step_id} in {self.keys[0]}" if self.parent is not None else step_id, repeat)


_branch: ContextVar[Branch | None] = ContextVar("jobs_branch", default=None)
_step: ContextVar[str | None] = ContextVar("jobs_step", default=None)


def current() -> Branch | None:
    """Return the line of steps that this code is in."""
    return _branch.get()


def step_under_way() -> str | None:
    """Return the id of the step whose handler this code is in."""
    return _step.get()


@contextmanager
def entered(branch: Branch | None) -> Iterator[None]:
    """Be in this line of steps, and in no step's handler, until the block ends."""
    line, step = _branch.set(branch), _step.set(None)
    try:
        yield
    finally:
        _branch.reset(line)
        _step.reset(step)


@contextmanager
def handling(step_id: str) -> Iterator[None]:
    """Be in the handler of a step until the block ends."""
    token = _step.set(step_id)
    try:
        yield
    finally:
        _step.reset(token)
