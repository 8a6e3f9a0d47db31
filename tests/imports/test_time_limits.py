"""Rows on real threads: one that hangs is failed at its time and holds nobody, and what it does later is refused."""

import threading
import time

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from imports import processors, records, verbs
from imports.models import CsvBatch, counts_of, moving
from imports.processors import Column
from jobs import testing
from tests.imports.conftest import csv_of, started, statuses

pytestmark = [pytest.mark.django_db(transaction=True)]


def ended(batch, seconds=30):
    until = time.monotonic() + seconds
    while CsvBatch.objects.get(pk=batch.pk).is_live:
        assert time.monotonic() < until, CsvBatch.objects.get(pk=batch.pk).status
        time.sleep(0.02)
    return CsvBatch.objects.get(pk=batch.pk)


@pytest.mark.parametrize("where", ["ask", "apply"])
def test_a_row_that_hangs_is_failed_at_its_time_and_what_it_does_later_is_refused(where):
    release, late = threading.Event(), threading.Event()

    def hang(row):
        if row.data["sku"] == "A-2":
            release.wait(20)
            late.set()
        return row.data["sku"]

    @processors.each_row("shop.hang", title="Hang", required=[Column("sku")], ask=hang if where == "ask" else None)
    def apply(row, answer):
        if where == "apply":
            hang(row)
        Group.objects.create(name=row.data["sku"])

    batch = started(csv_of(7), "shop.hang", row_timeout=0.6)
    with testing.worker():
        batch = ended(batch)
        assert batch.status == "COMPLETED"
        assert not late.is_set()
        release.set()
        assert late.wait(10)
        time.sleep(0.3)
    assert statuses(batch)[1] == (3, "FAILED", "It took longer than 0.6 s, so it was given up.")
    assert sorted(Group.objects.values_list("name", flat=True)) == [f"A-{n}" for n in (1, 3, 4, 5, 6, 7)]
    row = batch.rows.get(number=3)
    assert (row.answer, row.result, row.attempts) == (None, None, 1)


def test_rows_of_a_batch_are_taken_at_the_same_time():
    together = threading.Barrier(5, timeout=10)
    processors.each_row("shop.meet", title="Meet", required=[Column("sku")])(lambda row, answer: together.wait() and 0)
    batch = started(csv_of(5), "shop.meet")
    with testing.worker():
        ended(batch)
    assert [status for _, status, _ in statuses(batch)] == ["COMPLETED"] * 5


def test_a_set_that_hangs_is_taken_row_by_row_and_writes_nothing_more():
    release = threading.Event()

    @processors.many_rows("shop.sets", title="Sets", required=[Column("sku")])
    def sets(rows):
        for row in rows:
            Group.objects.create(name=row.data["sku"])
        if len(rows) > 1:
            release.wait(20)
        return [None for _ in rows]

    batch = started(csv_of(3), "shop.sets", row_timeout=0.6)
    with testing.worker():
        batch = ended(batch)
        release.set()
        time.sleep(0.3)
    assert [status for _, status, _ in statuses(batch)] == ["COMPLETED"] * 3
    assert Group.objects.count() == 3


def test_a_row_under_way_when_the_import_is_cancelled_can_write_nothing():
    begun, release = threading.Event(), threading.Event()

    @processors.each_row("shop.slow", title="Slow", required=[Column("sku")])
    def slow(row, answer):
        Group.objects.create(name=row.data["sku"])
        begun.set()
        release.wait(20)

    batch = started(csv_of(1), "shop.slow")
    with testing.worker():
        assert begun.wait(10)
        verbs.cancel(batch.pk, by="opal")
        release.set()
        time.sleep(0.5)
    batch.refresh_from_db()
    assert batch.status == "CANCELLED"
    assert counts_of([batch.pk])[batch.pk].cancelled == 1
    assert not Group.objects.exists()


def test_an_attempt_that_is_taken_over_loses_its_answer_and_its_writes():
    """What a worker thought to be dead does, when it was only slow."""
    processors.each_row("shop.x", title="X", required=[Column("sku")])(lambda row, answer: None)
    batch = started(csv_of(1), "shop.x")
    batch.refresh_from_db()
    records.initialize({"batchId": batch.pk}, str(batch.run))
    (pk,) = batch.rows.values_list("pk", flat=True)
    (slow,) = moving.claim([pk])
    (quick,) = moving.claim([pk])
    assert (slow.attempt, quick.attempt) == (1, 2)
    assert not moving.keep_answer(slow, '"late"')
    assert not moving.end(moving.Ending(slow, result="late"))
    assert moving.end(moving.Ending(quick, result="in time"))
    assert not moving.end(moving.Ending(quick, result="twice"))
    assert moving.claim([pk]) == []
    assert batch.rows.get().result == "in time"


def test_an_import_holds_one_connection_and_no_other_for_those_who_wait(database_url):
    """With two each, imports would starve each other as soon as half as many are at work as the pool has."""
    together = connection.settings_dict["OPTIONS"]["pool"]["max_size"] // 2 + 4
    barrier, taken = threading.Barrier(together, timeout=15), []

    @processors.many_rows("shop.sets", title="Sets", required=[Column("sku")])
    def sets(rows):
        Group.objects.exists()
        taken.append(len(rows))
        barrier.wait()
        return [None for _ in rows]

    batches = [started(csv_of(2) + f"X-{number},,\n", "shop.sets") for number in range(together)]
    with testing.worker():
        for batch in batches:
            assert ended(batch, 40).status == "COMPLETED"
    assert taken == [3] * together
