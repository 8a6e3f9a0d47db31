"""Processors are registered by a decorator, found by name, and refused in words where they make no sense."""

import pytest

from imports import processors
from imports.processors import Column


@pytest.fixture(autouse=True)
def _none_known():
    with processors.isolated():
        yield


def test_a_decorated_function_is_found_by_its_name_and_stays_callable():
    @processors.each_row("shop.price", title="Set prices", required=[Column("sku")], optional=[Column("price")])
    def price(row, answer):
        """Set the price of an article."""
        return row.data["sku"]

    known = processors.get("shop.price")
    assert (known.title, known.description) == ("Set prices", "Set the price of an article.")
    assert [column.name for column in known.columns] == ["sku", "price"]
    assert known.batch_size is known.delay is known.timeout is None
    assert price(processors.Row(1, 1, 2, {"sku": "A"}), None) == "A"


def test_a_set_based_processor_brings_larger_batches_and_no_delay():
    processors.many_rows("shop.store", title="Store", required=[Column("sku")])(list)
    known = processors.get("shop.store")
    assert (known.batch_size, known.delay, known.many) == (1000, 0, list)


def test_processors_are_listed_by_title():
    for name, title in (("b.one", "Zebra"), ("a.two", "Ant")):
        processors.many_rows(name, title=title, required=[Column("x")])(list)
    assert [each.title for each in processors.every()] == ["Ant", "Zebra"]


@pytest.mark.parametrize("name", ["price", "Shop.price", "shop.", "shop price.x"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match="no name of a processor"):
        processors.each_row(name, title="X", required=[Column("x")])(lambda row, answer: None)


def test_a_name_is_given_once():
    processors.many_rows("shop.store", title="Store", required=[Column("x")])(list)
    with pytest.raises(ValueError, match="defined twice"):
        processors.many_rows("shop.store", title="Other", required=[Column("x")])(list)


@pytest.mark.parametrize("columns", [[], [Column("x"), Column("x")]])
def test_columns_have_names_of_their_own(columns):
    with pytest.raises(ValueError, match="names of their own"):
        processors.many_rows("shop.store", title="Store", required=columns)(list)


def test_an_unknown_processor_is_named_with_those_that_exist():
    processors.many_rows("shop.store", title="Store", required=[Column("x")])(list)
    with pytest.raises(processors.UnknownProcessor, match=r"“shop\.sell” is no processor.*shop\.store"):
        processors.get("shop.sell")
