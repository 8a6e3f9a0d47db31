"""A run that starts another and waits for its result: the child is opened with the journal's entry, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs import clock, failures, serialize
from jobs.attempt import Attempt, step_error
from jobs.errors import NonRetriableError, StepError, UnknownFunction
from jobs.function import Function
from jobs.journal import Entry, Wait
from jobs.registry import registry
from jobs.types import FUNCTION_INVOKED, Duration, Event, Op, Source, StepStatus, pause


def invoke(
    attempt: Attempt,
    step_id: str,
    target: Function[Any] | str,
    data: Mapping[str, Any] | None,
    timeout: Duration | None,
) -> Any:
    """Return what a function returned for this data; see `StepSync.invoke`.

    One that is named by its full id need not be in the code any more once the child is open.
    """
    entry, finished = attempt.meet(step_id, Op.INVOKE)
    if not finished:
        _await_child(attempt, entry, target, data, timeout)
    if entry.status == StepStatus.FAILED:
        raise step_error({**(entry.error or failures.simple("error", "failed")), "step": entry.name})
    value = attempt.stored(entry)
    return value if isinstance(target, str) else _restored(value, target)


def _restored(value: Any, function: Function[Any]) -> Any:
    if function.output_type is None:
        return value
    serializer = function.client.serializer
    if serializer is not None:
        return serializer.deserialize(value, function.output_type)
    return serialize.restore(value, function.output_type)


def _found(target: Function[Any] | str, step_id: str) -> Function[Any]:
    try:
        return registry.get(target) if isinstance(target, str) else target
    except UnknownFunction as error:
        # Not journaled: a retry of the run may find newer code.
        raise StepError(str(error), type(error).__name__, step=step_id) from error


def _await_child(
    attempt: Attempt,
    entry: Entry,
    target: Function[Any] | str,
    data: Mapping[str, Any] | None,
    timeout: Duration | None,
) -> None:
    """Return once the entry is finished; otherwise leave the body until the child has ended."""
    if entry.status != StepStatus.WAITING:
        _open_child(attempt, entry, _found(target, entry.name), data, timeout)
    elif entry.wake_at is not None and entry.wake_at <= attempt.claimed.now:
        name = target if isinstance(target, str) else target.id
        message = f"{name} did not end in time; it goes on by itself."
        entry.error = {**failures.simple("invoke_timeout", message, step=entry.name), "name": "InvokeTimeoutError"}
        entry.status, entry.ended_at = StepStatus.FAILED, clock.now()
        attempt.journal(entry)
        return
    raise attempt.suspend(Wait(entry))


def _open_child(
    attempt: Attempt,
    entry: Entry,
    function: Function[Any],
    data: Mapping[str, Any] | None,
    timeout: Duration | None,
) -> None:
    # The models behind it load only after Django's apps, and `import jobs` must work earlier.
    from jobs import admission
    from jobs.opening import Opening

    event = Event(name=FUNCTION_INVOKED, data=dict(data or {}), ts=int(clock.now().timestamp() * 1000))
    entry.started_at, entry.status = clock.now(), StepStatus.WAITING
    entry.delay = None if timeout is None else pause(timeout)

    def make() -> Entry:
        opening = Opening()
        event_id = opening.add_event(event)
        parent = (attempt.claimed.run_id, entry.key)
        subject = function.subject_of(event) or attempt.claimed.subject
        entry.child = admission.admit(opening, function, event, event_id, alone=True, parent=parent, subject=subject)
        opening.write(source=Source.INTERNAL, sender=attempt.function.id)
        return entry

    try:
        attempt.committed(*attempt.recorder.record_with(attempt.claimed, make, attempt.take_lines))
    except (TypeError, ValueError) as error:
        raise NonRetriableError(f'"{entry.name}" cannot send its data: {error}') from error
    finally:
        attempt.recorder.release_connections()
