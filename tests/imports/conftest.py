"""Processors of the tests' own, people, files, and imports that run right here."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from imports import processors, uploads, verbs
from imports.models import CsvBatch
from imports.processors import Column, RowError

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "csv"
SKU, NAME, PRICE = Column("sku", aliases=("article",)), Column("name"), Column("price", aliases=("cost",))


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    """No processor but those of the test."""
    with processors.isolated():
        yield


def store_articles() -> None:
    """Register `shop.store`: row by row; a price that is none fails."""

    @processors.each_row("shop.store", title="Store articles", required=[SKU], optional=[NAME, PRICE])
    def store(row: processors.Row, answer: Any) -> dict[str, str]:
        """Store an article."""
        if row.data["price"] == "none":
            raise RowError(f"“{row.data['sku']}” has no price; write one.")
        return {"sku": row.data["sku"], "price": row.data["price"]}


def csv_of(count: int, *, bad: tuple[int, ...] = ()) -> str:
    """A file of so many articles; those with these numbers, from 1, have a price that is none."""
    rows = (f"A-{n},Article {n},{'none' if n in bad else n}\n" for n in range(1, count + 1))
    return "SKU,Name,Cost\n" + "".join(rows)


def uploaded(content: str | bytes, name: str = "articles.csv", **more: Any) -> CsvBatch:
    """Upload a file as a person would."""
    raw = content.encode() if isinstance(content, str) else content
    return uploads.receive(SimpleUploadedFile(name, raw), **more)


def started(content: str | bytes, processor: str = "shop.store", **fields: Any) -> CsvBatch:
    """Upload a file and start its import with these fields; nothing runs yet."""
    batch = uploaded(content, processor=processor)
    CsvBatch.objects.filter(pk=batch.pk).update(**{"delay": 0, **fields})
    return verbs.start(batch.pk, by="opal")


def statuses(batch: CsvBatch) -> list[tuple[int, str, str]]:
    """Line, status and error of every row."""
    return list(batch.rows.order_by("number").values_list("number", "status", "error"))


def signed_in(name: str, *permissions: str, **more: Any) -> Client:
    """A browser of a person with these permissions."""
    user = User.objects.create_user(name, password="secret", email=f"{name}@example.org", **more)
    for codename in permissions:
        user.user_permissions.add(Permission.objects.get(content_type__app_label="imports", codename=codename))
    client = Client()
    client.force_login(user)
    return client


EVERYTHING = ("view_csvbatch", "add_csvbatch", "run_csvbatch", "change_csvbatch", "delete_csvbatch", "view_csvrow")


@pytest.fixture
def operator(db: None) -> Client:
    """Somebody who imports files."""
    return signed_in("opal", *EVERYTHING, is_staff=True)


@pytest.fixture
def looker(db: None) -> Client:
    """Somebody who may look at imports but press nothing."""
    return signed_in("lou", "view_csvbatch", "view_csvrow", is_staff=True)


@pytest.fixture
def shop(known: None) -> Callable[[], None]:
    """The processor `shop.store` is known."""
    store_articles()
    return store_articles
