"""What mypy --strict has to refuse, each with the error it must report; checked by test_typing.py, never executed."""

import jobs


def price(order: int, tax: float) -> float:
    return order * tax


async def fetch(url: str) -> bytes:
    return b""


@jobs.create_function(fn_id="child", trigger=jobs.TriggerEvent(event="child"))
def child(ctx: jobs.ContextSync) -> int:
    return 1


@jobs.create_function(fn_id="plain", trigger=jobs.TriggerEvent(event="plain"))
def plain(ctx: jobs.ContextSync) -> None:
    ctx.step.run("a", price, "seven", 0.2)  # expect: arg-type
    ctx.step.run("b", price, 7)  # expect: arg-type
    ctx.step.run("c", price, 7, 0.2, 1)  # expect: arg-type
    ctx.step.transaction("d", price, "seven", 0.2)  # expect: arg-type
    ctx.step.run("e")  # expect: call-arg
    one: str = ctx.step.run("f", price, 7, 0.2)  # expect: assignment
    two: str = ctx.step.invoke("g", function=child)  # expect: assignment
    ctx.step.invoke("h", function=price)  # expect: arg-type
    ctx.step.invoke("i", child)  # expect: call-arg
    ctx.step.sleep("j", "1 day")  # expect: arg-type
    ctx.step.wait_for_event("k", event="a")  # expect: call-arg
    three: tuple[str, int] = ctx.group.parallel((lambda: 1, lambda: "b"))  # expect: assignment
    print(one, two, three)


@jobs.create_function(fn_id="coroutine", trigger=jobs.TriggerEvent(event="coroutine"))
async def coroutine(ctx: jobs.Context) -> None:
    await ctx.step.run("a", fetch, 7)  # expect: arg-type
    one: str = await ctx.step.run("b", fetch, "x")  # expect: arg-type
    two: str = await ctx.step.invoke("c", function=child)  # expect: arg-type
    print(one, two)


@jobs.create_function(fn_id="no-trigger")  # expect: call-arg
def no_trigger(ctx: jobs.ContextSync) -> None: ...


jobs.create_function(fn_id="option", trigger=jobs.TriggerEvent(event="a"), retry=3)  # expect: call-arg
jobs.Concurrency(limit="one")  # expect: arg-type
