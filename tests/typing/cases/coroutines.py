"""What mypy --strict infers in an async function; checked by test_typing.py, never executed."""

import functools
from typing import assert_type

import jobs


async def fetch(url: str, tries: int) -> bytes:
    return b""


def parse(page: bytes) -> list[int]:
    return [1]


@jobs.create_function(fn_id="child", trigger=jobs.TriggerEvent(event="child"))
async def child(ctx: jobs.Context) -> str:
    return "a"


@jobs.create_function(fn_id="plain-child", trigger=jobs.TriggerEvent(event="child"))
def plain_child(ctx: jobs.ContextSync) -> int:
    return 1


@jobs.create_function(fn_id="parent", trigger=jobs.TriggerEvent(event="parent"))
async def parent(ctx: jobs.Context) -> int:
    page = await ctx.step.run("a", fetch, "https://example.org", 3)
    assert_type(page, bytes)
    assert_type(await ctx.step.run("b", parse, page), list[int])
    assert_type(await ctx.step.run("c", lambda: fetch("x", 1)), bytes)
    assert_type(await ctx.step.run("d", lambda: "text"), str)
    assert_type(await ctx.step.run("e", functools.partial(fetch, tries=1), "x"), bytes)
    assert_type(await ctx.step.transaction("f", parse, page), list[int])
    assert_type(await ctx.step.invoke("g", function=child), str)
    assert_type(await ctx.step.invoke("h", function=plain_child), int)
    assert_type(await ctx.step.send_event("i", [jobs.Event(name="a")]), list[str])
    assert_type(await ctx.step.wait_for_event("j", event="a", timeout=1000), jobs.Event | None)
    return 1


@jobs.create_function(fn_id="group", trigger=jobs.TriggerEvent(event="group"))
async def group(ctx: jobs.Context) -> None:
    assert_type(await ctx.group.parallel((lambda: ctx.step.run("a", fetch, "x", 1),)), tuple[bytes])
    one, two = await ctx.group.parallel(
        (lambda: ctx.step.run("b", fetch, "x", 1), lambda: ctx.step.invoke("c", function=plain_child))
    )
    assert_type(one, bytes)
    assert_type(two, int)
    assert_type(
        await ctx.group.parallel(
            (
                lambda: ctx.step.run("d", parse, b""),
                lambda: ctx.step.run("e", fetch, "x", 1),
                lambda: ctx.step.invoke("f", function=child),
                lambda: ctx.step.send_event("g", []),
                lambda: ctx.step.wait_for_event("h", event="a", timeout=1),
            )
        ),
        tuple[list[int], bytes, str, list[str], jobs.Event | None],
    )
    many = [functools.partial(ctx.step.invoke, f"n{n}", function=child) for n in range(3)]
    assert_type(await ctx.group.parallel(many), tuple[str, ...])
    raced = await ctx.group.parallel(
        (lambda: ctx.step.invoke("i", function=child), lambda: ctx.step.run("j", fetch, "x", 1)),
        jobs.ParallelMode.RACE,
    )
    assert_type(raced, tuple[str | None, bytes | None])


async def send() -> None:
    assert_type(await jobs.send([jobs.Event(name="a")]), list[str])


assert_type(parent, jobs.Function[int])
