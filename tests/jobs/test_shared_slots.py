"""Concurrency with two limits on one function, and with keys that several functions share."""

from typing import Any

import pytest

import jobs
from jobs.errors import InvalidDefinition
from tests.jobs.conftest import Engine
from tests.jobs.flowing import (
    everything_in_turn,
    leave,
    numbers,
    send,
    take,
)


def limited(engine: Engine, limit: int = 2, *more: jobs.Concurrency, **options: Any) -> None:
    """Define a function with a limit."""
    named = {name: options.pop(name) for name in ("key", "scope") if name in options}
    concurrency = [jobs.Concurrency(limit=limit, **named), *more]
    engine.define(lambda ctx: None, concurrency=concurrency, **options)


def test_two_limits_hold_together(engine: Engine) -> None:
    limited(engine, 3, jobs.Concurrency(limit=1, key="event.data.user"))
    for number, user in enumerate("aabbcdd"):
        send([number], user=user)
    first = take()
    assert numbers(first) == [0, 2, 4]
    leave(first[0])
    assert numbers(take()) == [1]
    leave(first[1])
    leave(first[2])
    assert numbers(take()) == [3, 5]


def test_two_limits_with_one_key_count_a_run_once(engine: Engine) -> None:
    same = "event.data.user"
    limited(engine, 2, jobs.Concurrency(limit=4, key=same, scope="env"), key=f"{same} + ''", scope="env")
    send(range(5), user="a")
    assert numbers(take()) == [0, 1]


def test_a_key_of_the_whole_site_is_shared_by_functions(engine: Engine) -> None:
    for scope in ("env", "account"):
        engine.begin_anew()
        limited(engine, 2, key="'service'", scope=scope)
        engine.define(
            lambda ctx: None,
            fn_id="other",
            on="other",
            concurrency=[jobs.Concurrency(limit=2, key="'ser' + 'vice'", scope=scope)],
        )
        send([1])
        send([2], "other")
        send([3])
        send([4], "other")
        taken = take()
        assert numbers(taken) == [1, 2]
        leave(taken)
        assert everything_in_turn() == [3, 4]


def test_functions_that_share_a_key_may_have_limits_of_their_own(engine: Engine) -> None:
    limited(engine, 3, key="'service'", scope="env")
    low = [jobs.Concurrency(limit=1, key="'service'", scope="env")]
    engine.define(lambda ctx: None, fn_id="low", on="low", concurrency=low)
    send([1, 2])
    send([3], "low")
    send([4])
    first = take()
    assert numbers(first) == [1, 2, 4]
    leave(first[:2])
    assert take() == []
    leave(first[2])
    assert numbers(take()) == [3]


def test_a_limit_of_one_function_is_not_that_of_another(engine: Engine) -> None:
    limited(engine, 1, key="'service'")
    engine.define(lambda ctx: None, fn_id="other", on="other", concurrency=[jobs.Concurrency(limit=1, key="'service'")])
    send([1])
    send([2], "other")
    assert numbers(take()) == [1, 2]


def test_room_that_one_key_has_is_found_behind_runs_that_wait_for_another(engine: Engine) -> None:
    limited(engine, 2, jobs.Concurrency(limit=1, key="event.data.user"))
    # All wait behind the first limit; what comes first then waits for its user.
    send(range(2), user="x")
    send([2], user="y")
    held = take()
    assert numbers(held) == [0, 2]
    send(range(10, 15), user="x")
    send([15], user="z")
    assert take() == []
    leave(held[1])
    assert numbers(take(1)) == [15]


def test_a_worker_with_little_room_leaves_nobody_behind_a_key_that_has_some(engine: Engine) -> None:
    limited(engine, 2, jobs.Concurrency(limit=1, key="event.data.user"))
    engine.define(lambda ctx: None, fn_id="other", on="other", concurrency=[jobs.Concurrency(limit=9)])
    send([0], user="x")
    send([1], user="y")
    held = take()
    send(range(10, 14), user="x")
    send([20], user="z")
    assert take() == []
    send([30], "other")
    leave(held[1])
    # One slot is free; its first takers wait for their user, and the only thread goes to the other function.
    taken = take(1) + take(1) + take(1)
    assert sorted(numbers(taken)) == [20, 30]


def test_a_scope_needs_a_key(engine: Engine) -> None:
    with pytest.raises(InvalidDefinition):
        limited(engine, 1, scope="env")
