"""What packages and releases may be like: every fault is named with its place, and nothing is stored by halves."""

import io
import json
import tracemalloc
from datetime import UTC, datetime

import pytest

from tenders import importing
from tenders.models import Release, Tender
from tenders.ocds import kinds, notice, package, quality, repair, titles, values
from tenders.ocds.parts import BadRelease
from tenders.ocds.scanner import BadPackage
from tests.standins.tender_portals import PACKAGE, uk_release, za_release

AT = datetime(2026, 8, 14, 9, tzinfo=UTC)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The file is empty."),
        ("  \n ", "The file is empty."),
        ("<!DOCTYPE html><html>", "a JSON object is expected, but the file is HTML."),
        ("[]", "a JSON object is expected, but the file is a list."),
        ('"text"', "a JSON object is expected, but the file is text."),
        ("PK\x03\x04", "a JSON object is expected, but the file is no JSON."),
        ("{}", "This is no OCDS package: it has neither “releases” nor “records”."),
        ('{"message": "not found"}', "This is no OCDS package: it has neither “releases” nor “records”."),
        ('{"releases": {}}', "“releases” must be a list, but it is an object."),
        ('{"releases": null}', "“releases” must be a list, but it is null."),
        ('{"releases": [{}', "releases[0] is followed by something that is not valid JSON (line 1)."),
        ('{"releases": [{}, {"a": 1, }]}', "releases[1] is not valid JSON (line 1): "),
        ('{\n"releases": [\n{"a": "b', "releases[0] is not valid JSON (line 3): the file ends in the middle of it."),
        ('{"releases": []} trailing', "Line 1: something follows the end of the package."),
        ('{"releases": [] "x": 1}', "Line 1 is not valid JSON: a comma or the end of the package is expected."),
        ('{"releases" []}', "Line 1 is not valid JSON: a field's name and a colon are expected."),
        ('{"releases": [' + "[" * 200_000, "releases[0] is nested too deeply."),
    ],
)
def test_a_file_that_is_no_package_is_refused_in_words(imported, text, words):
    with pytest.raises(BadPackage) as refused:
        imported(text=text)
    assert words in str(refused.value)
    assert Tender.objects.count() == 0


@pytest.mark.django_db
def test_a_package_that_breaks_off_after_a_thousand_releases_stores_none_of_them(imported):
    whole = json.dumps({**PACKAGE, "releases": [za_release(number) for number in range(1000)]})
    with pytest.raises(BadPackage, match=r"releases\[998\]"):
        imported(text=whole[: whole.index('"ocds-9t57fa-998"') + 400])
    assert (Tender.objects.count(), Release.objects.count()) == (0, 0)


class Endless(io.RawIOBase):
    """A stream of 200 MB that is made while it is read."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.head, self.body, self.left = head, body, 200 * 1024 * 1024

    def read(self, size: int = -1) -> bytes:
        if self.head:
            head, self.head = self.head, b""
            return head
        chunk = (self.body * (size // len(self.body) + 1))[: min(size, self.left)]
        self.left -= len(chunk)
        return chunk


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        (b'{"releases": [{"a": "', b"x", "releases[0] is larger than 16 MB, or its JSON never ends"),
        (b'{"note": "', b"x", "“note” is larger than 16 MB"),
        (b"<html>", b"<p>no</p>", "the file is HTML"),
        (b"{", b" ", "the file ends in the middle of it"),
    ],
    ids=["one endless text", "an endless note", "HTML", "blanks"],
)
def test_a_file_of_200_mb_is_refused_without_taking_the_memory(head, body, words):
    tracemalloc.start()
    try:
        with pytest.raises(BadPackage, match=words.replace("[", r"\[")):
            list(package.items(Endless(head, body)))
        assert tracemalloc.get_traced_memory()[1] < 150 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.django_db
def test_a_list_of_nothing_but_nonsense_is_given_up_after_a_thousand(imported):
    with pytest.raises(
        BadPackage, match=r"None of the first 1000 releases can be read; releases\[0\] must be an object"
    ):
        imported(text=json.dumps({"releases": [[1]] * 5000}))


@pytest.mark.parametrize(
    ("release", "words"),
    [
        (5, "releases[3] must be an object"),
        ({"id": "1"}, "releases[3] has no ocid"),
        ({"ocid": "o"}, "releases[3] has no id"),
        ({"ocid": "", "id": "1"}, "releases[3] has no ocid"),
        ({"ocid": ["o"], "id": "1"}, "releases[3] has no ocid"),
        ({"ocid": "o" * 201, "id": "1"}, "releases[3].ocid is longer than 200 characters"),
    ],
)
def test_a_release_that_cannot_be_stored_is_named_with_its_place(release, words):
    with pytest.raises(BadRelease) as refused:
        notice.read(release, "releases[3]")
    assert str(refused.value).startswith(words)


@pytest.mark.parametrize(
    ("release", "words"),
    [
        ({"ocid": "o", "id": "1", "date": "31/12/2025"}, "releases[3].date: “31/12/2025” is no date; write it as"),
        ({"ocid": "o", "id": "1", "date": 20251231}, "releases[3].date must be a date, not the number 20251231"),
        ({"ocid": "o", "id": "1", "tender": []}, "releases[3].tender must be an object, not a list"),
        ({"ocid": "o", "id": "1", "buyer": "me"}, "releases[3].buyer must be an object, not the text “me”"),
        ({"ocid": "o", "id": "1", "parties": {}}, "releases[3].parties must be a list, not an object"),
        ({"ocid": "o", "id": "1", "tender": {"documents": True}}, "releases[3].tender.documents must be a list, not"),
        (
            {"ocid": "o", "id": "1", "tender": {"tenderPeriod": {"endDate": "soon"}}},
            "releases[3].tender.tenderPeriod.endDate: “soon” is no date",
        ),
        (
            {"ocid": "o", "id": "1", "tender": {"value": {"amount": "12,000"}}},
            "releases[3].tender.value.amount must be a number, not the text “12,000”",
        ),
        (
            {"ocid": "o", "id": "1", "tender": {"value": 12}},
            "releases[3].tender.value must be an object, not the number",
        ),
        ({"ocid": "o", "id": "1", "tender": {"items": {}}}, "releases[3].tender.items must be a list, not an object"),
    ],
)
def test_an_odd_part_is_named_and_costs_no_more_than_itself(release, words):
    read = notice.read({"title": "Salt", **release}, "releases[3]")
    assert [found[: len(words)] for found in read.problems] == [words]
    assert read.fields["title"] == "Salt"


def test_an_amount_in_text_is_an_amount():
    read = notice.read({"ocid": "o", "id": "1", "tender": {"value": {"amount": "120000.50"}}}, "releases[0]")
    assert (str(read.fields["value"]), read.problems) == ("120000.50", [])


def test_the_items_give_the_category_and_the_office_is_no_place_of_delivery():
    release = uk_release(1, AT)
    release["tender"]["items"] = [{"id": "1"}, {"id": "2", "classification": {"description": "Salt"}}]
    del release["tender"]["classification"]
    fields = notice.read(release, "releases[0]").fields
    assert (fields["detailed_category"], fields["delivery_location"]) == ("Salt", "")
    release["tender"]["items"][0]["deliveryAddresses"] = 5
    assert notice.read(release, "releases[0]").fields["delivery_location"] == ""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Luton Council", "Municipality"),
        ("Westmorland and Furness Council", "Municipality"),
        ("Arts Council England", "Public entity"),
        ("Association Of North East Councils", "Public entity"),
        ("East Anglia NHS Foundation Trust", "Health"),
        ("Department for Business and Trade", "National department"),
        ("Department for Environment, Food & Rural Affairs", "National department"),
        ("Foreign Commonwealth and Development Office", "National department"),
        ("Ministry of Defence", "National department"),
        ("LONDON & QUADRANT HOUSING TRUST", "Housing association"),
        ("Riverside Housing Association", "Housing association"),
    ],
)
def test_british_buyers_are_of_the_kind_that_their_name_says(name, kind):
    assert kinds.organ_of(name) == kind


@pytest.mark.django_db
def test_records_that_only_link_and_compiled_releases_without_an_id_are_named(imported):
    linked = {"ocid": "a", "releases": [{"url": "https://x"}]}
    records = [linked, {"ocid": "b", "compiledRelease": {"ocid": "b", "title": "x"}}, {"ocid": "c"}]
    taken = imported(text=json.dumps({"records": records}))
    assert (taken.added, taken.skipped) == (0, 3)
    assert taken.problems == [
        "records[0].releases[0] is only a link to a release, which has to be imported by itself.",
        "records[1].compiledRelease has no id.",
        "records[2] has neither a compiled release nor releases.",
    ]


@pytest.mark.django_db
def test_bad_releases_are_left_out_and_the_others_stored(imported):
    taken = imported(za_release(1), {"id": "x"}, za_release(2, tenderPeriod={"endDate": "never"}), za_release(3))
    assert (taken.processed, taken.added, taken.skipped) == (4, 3, 1)
    assert taken.problems == [
        "releases[1] has no ocid.",
        "releases[2].tender.tenderPeriod.endDate: “never” is no date; write it as 2026-08-14T11:00:00Z.",
    ]


@pytest.mark.django_db
def test_of_two_releases_with_one_id_the_same_counts_once_and_another_is_named(imported):
    other = za_release(1, description="Something else")
    for _ in range(2):
        taken = imported(za_release(1), za_release(1), other)
        assert (taken.unchanged + taken.added, taken.skipped) == (2, 1)
        assert taken.problems == [
            "releases[2] repeats the id ocds-9t57fa-1-2026-08-14 with other content; the first was kept."
        ]
    assert Tender.objects.get().description == "Repair of bridge number 1"


@pytest.mark.django_db
def test_a_release_without_a_date_keeps_none_and_is_stored_once(imported):
    release = za_release(1)
    del release["date"]
    assert imported(release).added == 1
    assert imported(release).unchanged == 1
    assert Release.objects.get().released_at is None
    assert Tender.objects.get().released_at is None


@pytest.mark.django_db
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_newest_release_makes_the_tender_and_an_undated_one_counts_as_oldest(imported, order):
    releases = [za_release(1, "2026-08-14"), za_release(1, "2026-08-15", title="Newest"), za_release(1, "2026-08-13")]
    del releases[2]["date"]
    for index in order:
        imported(releases[index])
    assert (Tender.objects.get().title, Release.objects.count()) == ("Newest", 3)


@pytest.mark.django_db
def test_a_release_that_changed_under_its_id_is_updated(imported):
    imported(za_release(1))
    taken = imported(za_release(1, province="Limpopo"))
    assert (taken.added, taken.updated) == (0, 1)
    assert Tender.objects.get().province == "Limpopo"
    assert json.loads(Release.objects.get().raw)["tender"]["province"] == "Limpopo"


@pytest.mark.django_db
@pytest.mark.parametrize("ends", ["9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+05:00"])
def test_a_deadline_at_the_end_of_the_calendar_is_none(imported, client, ends):
    taken = imported(za_release(1, tenderPeriod={"endDate": ends}), uk_release(2, AT))
    release = uk_release(3, AT)
    release["tender"]["tenderPeriod"]["endDate"] = ends
    assert (taken.added, imported(release).added) == (2, 1)
    assert Tender.objects.filter(closes_at=None).count() == 2
    assert client.get("/tenders/").status_code == 200


@pytest.mark.django_db
def test_the_publisher_may_stand_behind_the_releases(imported):
    imported(text=json.dumps({"releases": [za_release(1)], "license": "https://l", "publisher": {"name": "Late"}}))
    assert (Tender.objects.get().publication.publisher, Tender.objects.get().publication.licence) == (
        "Late",
        "https://l",
    )


@pytest.mark.django_db
def test_a_record_without_a_compiled_release_gives_those_it_holds(imported):
    held = {"ocid": "o", "releases": [{"url": "https://x", "date": "2026-01-01"}, za_release(1), za_release(2)]}
    assert imported(text=json.dumps({"records": [held]})).added == 2


@pytest.mark.django_db
def test_text_that_a_database_cannot_hold_does_no_harm(imported):
    release = za_release(1, description="nul \x00 and \ud800 half", title="tab\there")
    imported(text=json.dumps({**PACKAGE, "releases": [release]}))
    found = Tender.objects.get()
    assert (found.description, found.title) == ("nul  and  half", "tab here")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (0, None),
        (-5, None),
        (float("inf"), None),
        ("12", "12.00"),
        ("twelve", None),
        (True, None),
        (12.345, "12.34"),
        (1e16, None),
        (7, "7.00"),
    ],
)
def test_what_is_no_sum_counts_as_not_disclosed(value, found):
    amount, _ = values.money({"amount": value, "currency": "zar"})
    assert (amount and str(amount)) == found


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "0001-01-01T00:00:00Z", ""])
def test_sentinel_dates_mean_that_there_is_none(text):
    assert values.moment(text) is None


@pytest.mark.parametrize("text", ["N/A", "n/a", " - ", "None", "NULL", ""])
def test_placeholders_mean_that_there_is_nothing(text):
    assert values.text(text) == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 000, "b": "000,"}', {"a": 0, "b": "000,"}),
        ('{"a": 1 000,"b":"1 000,"}', {"a": 1000, "b": "1 000,"}),
        ('{"a": [007, -012 ]}', {"a": [7, -12]}),
        ('{"a": "\\" 01,"}', {"a": '" 01,'}),
    ],
)
def test_broken_numbers_are_put_right_and_texts_are_left_alone(text, found):
    assert repair.loads(text) == found


def test_json_beyond_repair_is_named_with_line_and_column():
    with pytest.raises(repair.BadJson, match="line 2, column 5"):
        repair.loads('{\n"a" 1}')


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Request for Bid(Open-Tender)", "Bid"),
        ("Request for Quotation", "RFQ"),
        ("Request for Proposal", "RFP"),
        ("Request for Information", "RFI"),
        ("Expression of interest", "EOI"),
        ("Call-off from a framework agreement", "Framework"),
        ("Competitive quotation (below threshold)", "Price-Quotation"),
        ("Single tender action (below threshold)", "Contract"),
        ("Pre-qualification of contractors", "Pre-qualification"),
        ("Open procedure (above threshold)", "Bid"),
        ("Something new", "Other"),
        ("", ""),
    ],
)
def test_a_procedures_words_give_its_class(words, name):
    assert kinds.class_of(words) == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ESKOM", "State-owned company"),
        ("City of Tshwane", "Municipality"),
        ("Umzimvubu Local Municipality", "Municipality"),
        ("Eastern Cape - Agriculture ", "Provincial department"),
        ("National - Environment, Forestry and Fisheries", "National department"),
        ("University Of Worcester", "Education"),
        ("Agricultural Research Council", "Public entity"),
        ("Zebra", ""),
    ],
)
def test_a_buyers_name_gives_its_kind(name, kind):
    assert kinds.organ_of(name) == kind


def test_a_title_is_at_most_80_characters_and_ends_with_a_word():
    long = titles.display("BID 7", "word " * 40, "BID 7")
    assert len(long) <= 80
    assert long.endswith("word…")
    assert titles.display("School meals", "Longer text", "9") == "School meals"
    assert titles.display("AB 1/2026", "", "AB 1/2026") == "AB 1/2026"


def test_the_quality_score_is_the_sum_of_what_is_there():
    every = dict.fromkeys(quality.POINTS, "x")
    assert quality.score(every) == sum(quality.POINTS.values()) == 100
    assert quality.score({}) == 0
    for name, points in quality.POINTS.items():
        assert quality.score({name: "x"}) == points
    assert quality.score({"value_high": 5}) == 2


def test_a_british_release_names_its_buyer_place_and_contact_by_its_parties():
    found = notice.read(uk_release(1, AT), "releases[0]").fields
    assert (found["buyer"], found["city"], found["province"]) == ("Testshire County Council", "Testford", "UKX")
    assert (found["contact_email"], found["detailed_category"]) == ("tester@example.org", "School catering services")
    assert found["closes_at"].hour == 8  # nine in London's summer


def test_import_progress_is_told_after_each_500(db, tmp_path):
    path, told = tmp_path / "p.json", []
    path.write_text(json.dumps({**PACKAGE, "releases": [za_release(number) for number in range(1200)]}))
    importing.import_path(path, lambda taken: told.append(taken.added))
    assert told == [500, 1000, 1200]
