"""What one pass through a function needs from its surroundings: where it writes, and who else is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from jobs.journal import Claimed, Entry, Line, Write
from jobs.types import Event

T = TypeVar("T")


class Recorder(Protocol):
    """Where an attempt writes; each call returns once its write is committed, False if the lease was lost."""

    inline: bool
    """Whether everything happens in the one thread that executes the run, as in a test's transaction."""

    def write(self, write: Write) -> bool:
        """Commit what one run wants written."""

    def record_with(
        self, claimed: Claimed, make: Callable[[], Entry], lines: Callable[[], list[Line]]
    ) -> tuple[Entry, bool]:
        """Run `make` and journal its entry in one database transaction, which a lost lease rolls back."""

    def look(self, run_id: UUID, step: str, lookback: timedelta) -> tuple[list[Event], bool]:
        """Return the events that may meet a step's wait, oldest first, and whether more may still turn up."""

    def release_connections(self) -> None:
        """Give back the database connections that product code left open in this thread."""

    def widen(self, by: int) -> None:
        """Expect so many more writers at once, or so many fewer."""

    async def offload(self, call: Callable[[], T]) -> T:
        """Make a call that may block, beside the event loop."""

    def complete(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine to its end."""

    def stopping(self, function: str) -> bool:
        """Whether the worker wants runs of this function back at the next step."""


class PassHooks(Protocol):
    """The middleware of one pass, as far as steps have to do with it."""

    def before_execution(self) -> None:
        """Say that new code runs from here."""

    def transform_output(self, value: Any, *, step: Entry | None = None) -> Any:
        """Return what middleware makes of an output."""

    def transform_error(self, error: Exception, *, step: Entry | None = None) -> Exception:
        """Return what middleware makes of an error."""

    def memo(self, entry: Entry, value: Any) -> Any:
        """Return what middleware makes of a journaled output before the body sees it."""
