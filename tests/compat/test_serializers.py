"""Serializers and output types: pydantic models, tuples and durations through steps, functions and invocations."""

import datetime
from typing import Any

import pydantic
import pytest

import jobs as inngest
from jobs import testing

ON = inngest.TriggerEvent(event="shop/order.placed")


class Order(pydantic.BaseModel):
    """What the functions here pass on."""

    id: int
    when: datetime.date = datetime.date(2026, 11, 24)


def test_models_come_back_from_steps_functions_and_invocations(db: None) -> None:
    with testing.registry():
        client = inngest.Client(app_id="shop", serializer=inngest.PydanticSerializer())

        @client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event="never"), output_type=Order)
        def child(ctx: inngest.ContextSync) -> Order:
            return Order(id=ctx.event.data["id"])

        @client.create_function(fn_id="typed", trigger=ON, output_type=list[Order])
        def fn(ctx: inngest.ContextSync) -> list[Order]:
            one = ctx.step.run("one", lambda: Order(id=1), output_type=Order)
            many = ctx.step.run("many", lambda: [Order(id=2)], output_type=list[Order])
            pair = ctx.step.run("pair", lambda: (3, datetime.timedelta(seconds=3)), output_type=tuple[int, Any])
            three = ctx.step.invoke("child", function=child, data={"id": 3})
            raw = ctx.step.invoke_by_id("raw", function_id="child", data={"id": 4})
            assert isinstance(one, Order)
            assert isinstance(three, Order)
            assert (pair, raw) == ((3, "PT3S"), {"id": 4, "when": "2026-11-24"})
            return [one, *many, three]

        day = "2026-11-24"
        assert testing.run(fn).must_complete() == [{"id": n, "when": day} for n in (1, 2, 3)]


def test_an_async_function_has_typed_outputs_too(db: None) -> None:
    with testing.registry():
        client = inngest.Client(app_id="shop", serializer=inngest.PydanticSerializer())

        async def load() -> Order:
            return Order(id=5)

        @client.create_function(fn_id="typed", trigger=ON, output_type=Order)
        async def fn(ctx: inngest.Context) -> Order:
            return await ctx.step.run("load", load, output_type=Order)

        assert testing.run(fn).must_complete()["id"] == 5


def test_a_serializer_of_a_products_own(db: None) -> None:
    class Reversing:
        def serialize(self, obj: object, typ: object) -> object:
            return str(obj)[::-1]

        def deserialize(self, obj: object, typ: object) -> object:
            return str(obj)[::-1]

    with testing.registry():
        client = inngest.Client(app_id="shop", serializer=Reversing())

        @client.create_function(fn_id="own", trigger=ON)
        def fn(ctx: inngest.ContextSync) -> list[str]:
            return [ctx.step.run("typed", lambda: "abc", output_type=str), ctx.step.run("plain", lambda: "abc")]

        result = testing.run(fn)
    assert result.must_complete() == ["abc", "abc"]
    assert result.steps == {"typed": "cba", "plain": "abc"}


def test_an_output_that_does_not_fit_its_type_fails_in_the_body(db: None) -> None:
    with testing.registry():
        client = inngest.Client(app_id="shop", serializer=inngest.PydanticSerializer())

        @client.create_function(fn_id="misfit", trigger=ON, retries=0)
        def fn(ctx: inngest.ContextSync) -> Any:
            try:
                ctx.step.run("misfit", lambda: {"id": "x"}, output_type=dict[str, Order])
            except pydantic.ValidationError as err:
                return err.error_count()

        with pytest.warns(UserWarning, match="serializer warnings"):
            assert testing.run(fn).must_complete() == 1


def test_models_travel_in_events(client: inngest.Client) -> None:
    @client.create_function(fn_id="reads", trigger=ON)
    def fn(ctx: inngest.ContextSync) -> int:
        return Order.model_validate(ctx.event.data).id

    event = inngest.Event(name="shop/order.placed", data=Order(id=9).model_dump(mode="json"))
    client.send_sync(event)
    testing.drain()
    assert testing.run(fn, event).must_complete() == 9
    assert inngest.Event.from_raw({"name": "a", "data": {"n": 1}}) == inngest.Event(name="a", data={"n": 1})
    assert inngest.Event.from_raw('{"name": "a"}') == inngest.Event(name="a")
    assert isinstance(inngest.Event.from_raw({"data": 1}), Exception)
    assert inngest.Event(name="a", ts=5).to_dict() == {"name": "a", "data": {}, "id": "", "ts": 5}
