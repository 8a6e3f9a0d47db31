"""What mypy --strict infers in a plain function; checked by test_typing.py, never executed."""

import functools
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_type

import jobs


@dataclass
class Order:
    id: int


def price(order: int, tax: float) -> float:
    return order * tax


def load(order: int) -> Order:
    return Order(order)


def nothing() -> None: ...


@jobs.create_function(fn_id="child", trigger=jobs.TriggerEvent(event="child"))
def child(ctx: jobs.ContextSync) -> Order:
    return Order(1)


@jobs.create_function(fn_id="async-child", trigger=jobs.TriggerEvent(event="child"))
async def async_child(ctx: jobs.Context) -> list[str]:
    return ["a"]


client = jobs.Client(app_id="shop")


@client.create_function(
    fn_id="parent", trigger=[jobs.TriggerEvent(event="parent"), jobs.TriggerCron(cron="0 9 * * *")], retries=2
)
def parent(ctx: jobs.ContextSync) -> dict[str, int]:
    assert_type(ctx.step.run("a", price, 7, 0.2), float)
    assert_type(ctx.step.run("b", load, 7), Order)
    assert_type(ctx.step.run("c", lambda: "text"), str)
    assert_type(ctx.step.run("d", functools.partial(price, tax=0.1), 7), float)
    assert_type(ctx.step.run("e", load, 7, retries=1, timeout=timedelta(seconds=5), output_type=Order), Order)
    assert_type(ctx.step.transaction("f", load, 7), Order)
    assert_type(ctx.step.invoke("g", function=child, data={"n": 1}), Order)
    assert_type(ctx.step.invoke("h", function=async_child, timeout=60_000), list[str])
    assert_type(ctx.step.invoke("i", function=parent), dict[str, int])
    assert_type(ctx.step.send_event("j", jobs.Event(name="a")), list[str])
    assert_type(ctx.step.wait_for_event("k", event="a", timeout=1000), jobs.Event | None)
    assert_type(ctx.step.wait_for_any("l", ["a", jobs.TriggerEvent(event="b")], timeout=1000), jobs.Event | None)
    assert_type(ctx.event.data["n"], Any)
    ctx.step.run("m", nothing)
    ctx.step.sleep("n", timedelta(days=1))
    return {"a": 1}


@jobs.create_function(fn_id="group", trigger=jobs.TriggerEvent(event="group"))
def group(ctx: jobs.ContextSync) -> None:
    one, two = ctx.group.parallel((lambda: ctx.step.run("a", price, 1, 0.2), lambda: ctx.step.run("b", load, 7)))
    assert_type(one, float)
    assert_type(two, Order)
    assert_type(ctx.group.parallel((lambda: ctx.step.run("c", load, 7),)), tuple[Order])
    assert_type(
        ctx.group.parallel(
            (
                lambda: ctx.step.run("d", load, 7),
                lambda: ctx.step.invoke("e", function=async_child),
                lambda: ctx.step.send_event("f", []),
            )
        ),
        tuple[Order, list[str], list[str]],
    )
    assert_type(ctx.group.parallel((lambda: 1, lambda: "b", lambda: 1.5, lambda: b"d")), tuple[int, str, float, bytes])
    assert_type(
        ctx.group.parallel((lambda: 1, lambda: "b", lambda: 1.5, lambda: b"d", lambda: [1])),
        tuple[int, str, float, bytes, list[int]],
    )
    many = tuple(functools.partial(ctx.step.run, f"n{n}", load, n) for n in range(9))
    assert_type(ctx.group.parallel(many), tuple[Order, ...])
    assert_type(ctx.group.parallel([lambda: 1, lambda: 2]), tuple[int, ...])
    raced = ctx.group.parallel((lambda: 1, lambda: "b"), parallel_mode=jobs.ParallelMode.RACE)
    assert_type(raced, tuple[int | None, str | None])


assert_type(child, jobs.Function[Order])
assert_type(async_child, jobs.Function[list[str]])
assert_type(parent, jobs.Function[dict[str, int]])
assert_type(group, jobs.Function[None])
assert_type(jobs.send_sync(jobs.Event(name="a", data={"n": 1})), list[str])
