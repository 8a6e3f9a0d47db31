"""A file becomes rows, batch after batch, in the steps and at the pace that are asked for."""

from datetime import timedelta

import pytest

import jobs
from imports import events, functions, processors, verbs
from imports.models import CsvBatch, RowCount, counts_of
from imports.processors import Column
from jobs import testing
from jobs.models import Run
from jobs.types import Op
from tests.imports.conftest import csv_of, started, statuses, uploaded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


def finished(batch):
    testing.drain()
    batch.refresh_from_db()
    return batch


def test_the_default_pace_is_five_rows_at_a_time_and_two_seconds_between():
    batch = uploaded(csv_of(23), processor="shop.store")
    result = testing.run(functions.process_bulk_csv, data={"batchId": batch.pk})
    assert result.must_complete() == {"total": 23, "successful": 23, "failed": 0, "skipped": 0}
    steps = ["initialize-job"]
    for number in range(1, 6):
        steps += [f"process-batch-{number}", f"update-progress-{number}"]
        steps += [f"batch-delay-{number}"] if number < 5 else []
    assert list(result.steps) == [*steps, "finalize-job"]
    plan = result.steps["initialize-job"]
    assert (plan["size"], plan["delay"], plan["timeout"], plan["batches"]) == (5, 2, 60, 5)
    assert [result.steps[f"process-batch-{n}"]["line"] for n in range(1, 6)] == [6, 11, 16, 21, 24]
    assert [result.steps[f"update-progress-{n}"]["done"] for n in range(1, 6)] == [5, 10, 15, 20, 23]
    assert timedelta(seconds=8) <= result.took < timedelta(seconds=12)
    sleeps = {step.name: step for step in result.run.journal.filter(op=Op.SLEEP)}
    assert [(s.wake_at - s.started_at).total_seconds() for s in sleeps.values()] == pytest.approx([2] * 4, abs=0.05)
    batch.refresh_from_db()
    assert (batch.status, batch.error, batch.run) == ("COMPLETED", "", result.run.pk)


def test_a_failed_row_stops_no_other_and_is_said_on_the_file():
    batch = finished(started(csv_of(12, bad=(2, 7))))
    assert batch.status == "COMPLETED"
    assert batch.error == "2 rows failed processing."
    failed = [(line, error) for line, status, error in statuses(batch) if status == "FAILED"]
    assert failed == [(3, "“A-2” has no price; write one."), (8, "“A-7” has no price; write one.")]
    assert batch.rows.get(number=2).result == {"sku": "A-1", "price": "1"}


def test_only_if_every_row_failed_the_import_has_failed():
    batch = finished(started(csv_of(3, bad=(1, 2, 3))))
    assert (batch.status, batch.error) == ("FAILED", "3 rows failed processing.")


def test_rows_that_are_wrong_in_the_file_are_stored_with_their_line_and_never_tried():
    batch = finished(started('sku,name,price\nA,"x\ny",1\nB\n,z,3\nC,c,4\n'))
    assert statuses(batch) == [
        (2, "COMPLETED", ""),
        (4, "SKIPPED", "Line 4 has 1 cell, the header has 3."),
        (5, "SKIPPED", "Line 5 has nothing under “Sku”, which every row needs."),
        (6, "COMPLETED", ""),
    ]
    counts = counts_of([batch.pk])[batch.pk]
    assert (counts.total, counts.to_process, counts.completed, counts.skipped) == (4, 2, 2, 2)


def test_an_error_nobody_foresaw_is_kept_with_its_kind():
    processors.each_row("shop.odd", title="Odd", required=[Column("sku")])(lambda row, answer: 1 // 0)
    batch = finished(started(csv_of(1), processor="shop.odd"))
    assert statuses(batch) == [(2, "FAILED", "ZeroDivisionError: integer division or modulo by zero")]


def test_a_result_that_is_no_json_fails_its_row():
    processors.each_row("shop.odd", title="Odd", required=[Column("sku")])(lambda row, answer: b"bytes")
    (row,) = statuses(finished(started(csv_of(1), processor="shop.odd")))
    assert row[1] == "FAILED"


def test_a_row_that_was_paid_for_is_not_paid_for_again_when_it_is_retried():
    asked, fail = [], [True]

    def ask(row):
        asked.append(row.data["sku"])
        return {"about": row.data["sku"]}

    @processors.each_row("shop.ask", title="Ask", required=[Column("sku")], ask=ask)
    def apply(row, answer):
        if row.data["sku"] == "A-2" and fail:
            raise ValueError("the database is full")
        return answer["about"]

    batch = finished(started(csv_of(3), processor="shop.ask"))
    assert sorted(asked) == ["A-1", "A-2", "A-3"]
    fail.clear()
    assert verbs.retry(batch.pk, by="opal") == 1
    batch = finished(batch)
    assert sorted(asked) == ["A-1", "A-2", "A-3"]
    assert batch.rows.get(number=3).result == "A-2"
    assert (batch.status, batch.error) == ("COMPLETED", "")


def test_an_answer_that_is_of_no_use_is_asked_for_anew():
    asked = []

    def ask(row):
        asked.append(1)
        return len(asked)

    @processors.each_row("shop.ask", title="Ask", required=[Column("sku")], ask=ask)
    def apply(row, answer):
        if answer == 1:
            raise processors.BadAnswer("The model answered nonsense.")
        return answer

    batch = finished(started(csv_of(1), processor="shop.ask"))
    assert batch.rows.get().error == "The model answered nonsense."
    verbs.retry(batch.pk, by="opal")
    assert finished(batch).rows.get().result == 2


def test_an_answer_of_nothing_is_an_answer():
    asked = []
    ask = lambda row: asked.append(1)  # noqa: E731

    @processors.each_row("shop.ask", title="Ask", required=[Column("sku")], ask=ask)
    def apply(row, answer):
        if len(asked) == 1 and not batches:
            batches.append(1)
            raise ValueError("once")
        return answer

    batches = []
    batch = finished(started(csv_of(1), processor="shop.ask"))
    verbs.retry(batch.pk, by="opal")
    assert finished(batch).rows.get().status == "COMPLETED"
    assert asked == [1]


def test_a_row_that_asks_to_wait_is_tried_again_then_and_the_others_are_not():
    tried = []

    @processors.each_row("shop.slow", title="Slow", required=[Column("sku")])
    def apply(row, answer):
        tried.append(row.data["sku"])
        if row.data["sku"] == "A-2" and tried.count("A-2") < 2:
            raise jobs.RetryAfterError("The service is busy.", timedelta(seconds=40))

    batch = finished(started(csv_of(3), processor="shop.slow"))
    assert statuses(batch)[1] == (3, "PENDING", "The service is busy.")
    with testing.shift_clock(timedelta(seconds=30)):
        testing.drain()
    assert tried.count("A-2") == 1
    with testing.shift_clock(timedelta(seconds=41)):
        batch = finished(batch)
    assert sorted(tried) == ["A-1", "A-2", "A-2", "A-3"]
    assert batch.status == "COMPLETED"


def test_a_row_that_asks_to_wait_for_ever_fails_with_the_third_try():
    @processors.each_row("shop.slow", title="Slow", required=[Column("sku")])
    def apply(row, answer):
        raise jobs.RetryAfterError("The service is busy.", timedelta(seconds=1))

    batch = uploaded(csv_of(1), processor="shop.slow")
    testing.run(functions.process_bulk_csv, data={"batchId": batch.pk}).must_complete()
    row = batch.rows.get()
    assert (row.status, row.error, row.attempts) == ("FAILED", "The service is busy.", 3)


def test_a_set_is_taken_in_one_call_and_its_bad_rows_fail_alone():
    calls = []

    @processors.many_rows("shop.bulk", title="Bulk", required=[Column("sku")], batch_size=4)
    def bulk(rows):
        calls.append([row.number for row in rows])
        return [processors.RowError("Not this one.") if row.data["sku"] == "A-3" else row.data["sku"] for row in rows]

    batch = finished(started(csv_of(6), processor="shop.bulk", delay=None))
    assert calls == [[2, 3, 4, 5], [6, 7]]
    assert [status for _, status, _ in statuses(batch)].count("COMPLETED") == 5
    assert batch.rows.get(number=4).error == "Not this one."


def test_a_set_that_raises_is_rolled_back_and_taken_row_by_row():
    @processors.many_rows("shop.bulk", title="Bulk", required=[Column("sku")])
    def bulk(rows):
        for row in rows:
            RowCount.objects.create(batch_id=row.batch, status="X", rows=1)
            if row.data["sku"] == "A-2":
                raise ValueError("broken")
        return [None for _ in rows]

    batch = finished(started(csv_of(3), processor="shop.bulk"))
    assert [status for _, status, _ in statuses(batch)] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert sum(RowCount.objects.filter(status="X").values_list("rows", flat=True)) == 2


def test_a_set_with_too_few_results_is_not_believed():
    processors.many_rows("shop.bulk", title="Bulk", required=[Column("sku")])(lambda rows: [1])
    batch = finished(started(csv_of(2), processor="shop.bulk"))
    assert [status for _, status, _ in statuses(batch)] == ["COMPLETED", "COMPLETED"]


def test_a_large_file_is_cut_into_slices_that_are_runs_of_their_own(monkeypatch):
    monkeypatch.setattr(functions, "MOST_BATCHES", 3)
    batch = uploaded(csv_of(40), processor="shop.store")
    result = testing.run(functions.process_bulk_csv, data={"batchId": batch.pk})
    result.must_complete()
    progress = [f"update-progress-{n}" for n in (1, 2, 3)]
    parts = [step for n in (1, 2, 3) for step in (f"process-slice-{n}", progress[n - 1])]
    assert list(result.steps) == ["initialize-job", *parts, "finalize-job"]
    assert [result.steps[name]["done"] for name in progress] == [15, 30, 40]
    # Eight batches have seven rests between them, slices or not.
    assert timedelta(seconds=14) <= result.took < timedelta(seconds=20)
    children = Run.objects.filter(parent_run=result.run.pk)
    assert [run.subject for run in children] == [batch.subject] * 3


def test_a_hundred_thousand_rows_at_the_default_pace_stay_within_the_limits_of_a_run():
    slices = -(-100_000 // 5 // functions.MOST_BATCHES)
    assert 2 + 2 * slices < 1000
    assert 3 * functions.MOST_BATCHES < 1000
    assert 2 + 2 * (100_000 // functions.MOST_BATCHES) < 1000


def test_pausing_takes_effect_before_the_next_batch_and_resuming_goes_on_there():
    batch = started(csv_of(12), delay=2)
    testing.drain()
    assert counts_of([batch.pk])[batch.pk].processed == 5
    verbs.pause(batch.pk)
    for seconds in (3, 30):
        with testing.shift_clock(timedelta(seconds=seconds)):
            testing.drain()
    assert counts_of([batch.pk])[batch.pk].processed == 5
    run = Run.objects.get(pk=batch.run)
    assert (run.status, run.worker is None or run.run_at is not None) == ("WAITING", True)
    with testing.shift_clock(timedelta(seconds=60)):
        verbs.resume(batch.pk, by="opal")
        testing.drain()
        assert counts_of([batch.pk])[batch.pk].processed == 10
    with testing.shift_clock(timedelta(seconds=90)):
        batch = finished(batch)
    assert batch.status == "COMPLETED"


def test_an_import_paused_before_it_began_stores_its_rows_and_waits():
    batch = started(csv_of(3))
    verbs.pause(batch.pk)
    batch = finished(batch)
    assert batch.status == "PAUSED"
    assert [status for _, status, _ in statuses(batch)] == ["PENDING"] * 3
    verbs.resume(batch.pk, by="opal")
    assert finished(batch).status == "COMPLETED"


def test_a_pause_is_ended_by_its_own_resume_alone():
    batch = started(csv_of(3))
    verbs.pause(batch.pk)
    verbs.resume(batch.pk, by="opal")
    verbs.pause(batch.pk)
    assert finished(batch).status == "PAUSED"
    verbs.resume(batch.pk, by="opal")
    assert finished(batch).status == "COMPLETED"


def test_cancelling_by_button_stops_at_once_and_keeps_what_is_done():
    batch = started(csv_of(12), delay=2)
    testing.drain()
    verbs.cancel(batch.pk, by="opal")
    with testing.shift_clock(timedelta(seconds=60)):
        batch = finished(batch)
    assert (batch.status, batch.error) == ("CANCELLED", "Cancelled by opal.")
    counts = counts_of([batch.pk])[batch.pk]
    assert (counts.completed, counts.cancelled, counts.open) == (5, 7, 0)
    assert Run.objects.get(pk=batch.run).status == "CANCELLED"
    with pytest.raises(verbs.NotPossible, match="nothing to cancel"):
        verbs.cancel(batch.pk, by="opal")


def test_cancelling_by_event_does_the_same():
    batch = started(csv_of(12), delay=2)
    testing.drain()
    jobs.send_sync(jobs.Event(name=events.CANCEL, data={"batchId": batch.pk}))
    batch = finished(batch)
    assert (batch.status, counts_of([batch.pk])[batch.pk].cancelled) == ("CANCELLED", 7)


def test_cancelling_reaches_the_slice_under_way(monkeypatch):
    monkeypatch.setattr(functions, "MOST_BATCHES", 2)
    batch = started(csv_of(30), delay=2)
    testing.drain()
    verbs.cancel(batch.pk, by="opal")
    with testing.shift_clock(timedelta(minutes=5)):
        testing.drain()
    assert set(Run.objects.about(batch.subject).values_list("status", flat=True)) == {"CANCELLED"}
    assert counts_of([batch.pk])[batch.pk].completed == 5


def test_retrying_touches_the_failed_rows_only():
    batch = finished(started(csv_of(12, bad=(2, 7))))
    before = dict(batch.rows.values_list("number", "attempts"))
    assert verbs.retry(batch.pk, by="opal") == 2
    batch = finished(batch)
    after = dict(batch.rows.values_list("number", "attempts"))
    assert {line: after[line] - before[line] for line in before if after[line] != before[line]} == {3: 1, 8: 1}
    assert batch.error == "2 rows failed processing."


def test_there_is_nothing_to_retry_where_no_row_failed():
    batch = finished(started(csv_of(2)))
    with pytest.raises(verbs.NotPossible, match=r"No row of “articles\.csv” has failed"):
        verbs.retry(batch.pk, by="opal")


def test_two_presses_start_one_run():
    batch = started(csv_of(2))
    with pytest.raises(verbs.NotPossible, match="has been started already; it is queued"):
        verbs.start(batch.pk, by="opal")
    assert Run.objects.about(batch.subject).count() == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [({}, "names no file"), ({"batchId": 99}, "no import 99"), ({"batchId": "x"}, "must be a number")],
)
def test_an_event_without_a_file_fails_in_words(data, words):
    result = testing.run(functions.process_bulk_csv, data=data)
    assert result.status == "FAILED"
    assert words in result.error["message"]


def test_an_event_for_a_file_that_is_being_imported_is_refused_and_disturbs_nothing():
    batch = started(csv_of(12), delay=2)
    testing.drain()
    jobs.send_sync(jobs.Event(name=events.PROCESS, data={"batchId": batch.pk}))
    batch = finished(batch)
    assert batch.status == "PROCESSING"
    other = Run.objects.exclude(pk=batch.run).get(function__endswith="-process-bulk-csv")
    assert "imported by another run already" in other.error["message"]


def test_a_file_that_is_gone_fails_the_import_in_words():
    batch = started(csv_of(2))
    batch.file.storage.delete(batch.file.name)
    batch = finished(batch)
    assert batch.status == "FAILED"
    assert "no longer in storage; upload it again" in batch.error


def test_counts_fold_to_one_line_for_each_status_and_stay_what_the_rows_say():
    finished(started(csv_of(12, bad=(2,))))
    assert sorted(RowCount.objects.values_list("status", "rows")) == [("COMPLETED", 11), ("FAILED", 1)]
    assert CsvBatch.objects.get().rows.filter(status="COMPLETED").count() == 11
