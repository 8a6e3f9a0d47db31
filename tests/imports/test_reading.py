"""Files of rows are read cell by cell with the line each row begins in, or refused in words."""

import csv
import io
import subprocess
import sys
import tracemalloc

import pytest

from imports.reading import Choices, Unreadable, base, kinds, matching, open_table, sheet_process, sheets
from tests.imports.workbooks import number, old_workbook, text, workbook


def table(content, **choices):
    raw = content.encode() if isinstance(content, str) else content
    return open_table(io.BytesIO(raw), Choices(**choices))


def rows(content, **choices):
    return [(row.number, row.cells) for row in table(content, **choices).rows()]


def problems(content, **choices):
    return [(row.number, row.problem) for row in table(content, **choices).rows() if row.problem]


def test_a_quoted_line_break_stays_in_its_cell_and_numbers_are_those_of_the_file():
    read = rows('a,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n')
    assert read == [(2, ["1", "x\r\ny"]), (5, ["2", "z"])]


def test_old_macs_line_ends_are_lines_too():
    assert rows("a,b\r1,2\r3,4\r") == [(2, ["1", "2"]), (3, ["3", "4"])]


def test_a_row_of_another_width_is_reported_with_its_line():
    assert problems('a,b\n1,"x\ny"\n1\n1,2,3\n1,2,\n') == [
        (4, "Line 4 has 1 cell, the header has 2."),
        (5, "Line 5 has 3 cells, the header has 2."),
    ]


def test_blanks_behind_the_last_column_are_no_cells():
    assert rows("a,b\n1,2,,\n") == [(2, ["1", "2"])]


def test_a_quote_that_is_never_closed_costs_its_line_alone():
    content = 'a,b\n1,2\n"3,4\n5,6\n7,8\n'
    assert problems(content) == [
        (3, "Line 3 has a quote that is not closed as it should be; double the quotes within a cell.")
    ]
    assert [number for number, _ in rows(content)] == [2, 3, 4, 5]
    assert rows(content)[-1] == (5, ["7", "8"])


def test_a_quote_in_the_middle_of_a_quoted_cell_costs_its_line_alone():
    assert problems('a,b\n1,"x"y\n2,z\n') == [
        (2, "Line 2 has a quote that is not closed as it should be; double the quotes within a cell.")
    ]


def test_quotes_escaped_by_a_backslash_are_read_where_doubled_ones_make_no_sense():
    assert rows('a,b\n1, "x \\" y"\nC:\\new,"say ""hi"""\n') == [(2, ["1", 'x " y']), (3, ["C:\\new", 'say "hi"'])]


def test_a_file_that_is_all_open_quotes_is_refused(monkeypatch):
    content = "a,b\n" + 'x,"y"z\n' * 1100
    with pytest.raises(Unreadable, match="More than 1000 lines have quotes that are never closed"):
        rows(content)


def test_a_nul_is_reported_with_its_line_and_stops_no_other_row():
    content = "a,b\n1,x\n2,y\x00z\n3,w\n"
    assert problems(content) == [(3, "Line 3 has a NUL character, which no text can hold; remove it.")]
    assert rows(content)[1:] == [(3, ["2", "y␀z"]), (4, ["3", "w"])]


def test_a_nul_in_the_header_refuses_the_file():
    with pytest.raises(Unreadable, match="Line 1 has a NUL"):
        table("a\x00,b\n1,2\n")


@pytest.mark.parametrize("content", ["", "\n\n", " \t\n"])
def test_an_empty_file_is_refused(content):
    with pytest.raises(Unreadable, match="The file is empty"):
        table(content)


def test_a_file_of_blank_cells_is_refused():
    with pytest.raises(Unreadable, match="nothing in it but blanks"):
        table(",,\n,,\n")


def test_a_header_alone_is_a_table_without_rows():
    assert table("a,b\n").headers == ["a", "b"]
    assert rows("a,b\n") == []


def test_blank_and_repeated_headers_become_tellable():
    assert table("id,,id,id (2), id \n1,2,3,4,5\n").headers == ["id", "Column 2", "id (2)", "id (2) (2)", "id (3)"]


def test_a_title_above_the_table_is_passed_over():
    content = "Sales 2026,,\n,,\nregion,month,sum\nNorth,May,7\n"
    assert table(content).header == 3
    assert rows(content) == [(4, ["North", "May", "7"])]


def test_the_line_of_the_header_can_be_chosen_or_denied():
    content = "x,y\na,b\n1,2\n"
    assert table(content, header=2).headers == ["a", "b"]
    assert rows(content, header=2) == [(3, ["1", "2"])]
    assert table(content, header=0).headers == ["Column 1", "Column 2"]
    assert [line for line, _ in rows(content, header=0)] == [1, 2, 3]
    with pytest.raises(Unreadable, match="nothing in line 9 to name the columns"):
        table(content, header=9)
    with pytest.raises(Unreadable, match="No row begins in line 2"):
        table('a,"x\ny"\n1,2\n', header=2)


@pytest.mark.parametrize(
    ("content", "delimiter", "first"),
    [
        ("a;b\n1,5;2\n", ";", ["1,5", "2"]),
        ("a\tb\n1, 2\t3\n", "\t", ["1, 2", "3"]),
        ("a|b|c\n1,2|3|4\n", "|", ["1,2", "3", "4"]),
        ('name,note\nx,"a;b;c;d"\n', ",", ["x", "a;b;c;d"]),
        ("name\nAda\nBob, the second\n", ",", ["Ada"]),
        ("price;text\n1,50;a, b and c\n2,50;d, e\n", ";", ["1,50", "a, b and c"]),
        ('a,b\n1,"x\n;\n;;"\n', ",", ["1", "x\n;\n;;"]),
    ],
)
def test_the_delimiter_is_the_one_by_which_rows_come_out_even(content, delimiter, first):
    assert table(content).delimiter == delimiter
    assert rows(content)[0][1] == first


def test_the_delimiter_can_be_chosen_of_four():
    assert table("a;b\n1;2\n", delimiter=",").headers == ["a;b"]
    with pytest.raises(Unreadable, match="cannot be a delimiter"):
        table("a:b\n", delimiter=":")


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        ("name,town\nJosé,Köln\n".encode(), "utf-8"),
        ("name,town\nJosé,Köln\n".encode("utf-8-sig"), "utf-8-sig"),
        ("name,town\nJosé,Köln\n".encode("utf-16"), "utf-16"),
        ("name,town\nJosé,Köln\n".encode("utf-16-be"), "utf-16-be"),
        ("name,town\nJosé,Köln\n".encode("utf-32"), "utf-32"),
        ("name,town\nJosé,Köln\n".encode("cp1252"), "cp1252"),
    ],
)
def test_the_encoding_is_found_by_mark_then_utf8_then_detection(raw, encoding):
    found = table(raw)
    assert found.encoding == encoding
    assert found.headers == ["name", "town"]
    assert next(found.rows()).cells == ["José", "Köln"]


def test_an_umlaut_beyond_any_sample_decides_as_well():
    raw = b"name,town\n" + b"Ada,London\n" * 20_000 + "José,Köln\n".encode("cp1252")
    assert table(raw).encoding == "cp1252"
    assert list(table(raw).rows())[-1].cells == ["José", "Köln"]


def test_the_encoding_can_be_chosen_and_one_that_does_not_fit_is_refused():
    raw = "имя,город\nАнна,Москва\n".encode("cp1251")
    assert table(raw, encoding="cp1251").headers == ["имя", "город"]
    with pytest.raises(Unreadable, match="cannot be read as utf-8; choose another encoding"):
        table(raw, encoding="utf-8")
    with pytest.raises(Unreadable, match="is no encoding"):
        table(raw, encoding="klingon")


def test_bytes_that_break_utf8_after_the_sample_are_refused_in_words_when_utf8_was_chosen():
    raw = b"name,town\n" + b"Ada,London\n" * 50_000 + b"\xff\xfe,x\n"
    with pytest.raises(Unreadable, match="cannot be read as utf-8"):
        list(table(raw, encoding="utf-8").rows())


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"%PDF-1.7\n...", "This is a PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a picture"),
        (b"\x1f\x8b\x08\x00" + bytes(50), "unpack it first"),
        (b"PK\x03\x04" + b"x" * 100, "damaged workbook"),
        (bytes(range(32)) * 40, "not a text file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000), "cannot be read; it may be damaged"),
    ],
)
def test_what_is_no_table_is_refused_by_its_content(raw, words):
    with pytest.raises(Unreadable, match=words):
        list(table(raw).rows())


def test_more_rows_than_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr("imports.reading.table.MAX_ROWS", 3)
    with pytest.raises(Unreadable, match="more than 3 rows"):
        rows("a\n1\n2\n3\n4\n")


def test_too_many_columns_are_refused():
    with pytest.raises(Unreadable, match="501 columns"):
        table(",".join("x" * 501) + "\n1\n")


def test_typed_cells_of_a_workbook_read_as_people_see_them():
    book = workbook(
        {
            "Stock": [
                [text("sku"), text("count"), text("price"), text("since"), text("new")],
                [text("007"), number(7), number(2.5), number(45658, style=1), '<c r="{ref}" t="b"><v>1</v></c>'],
            ]
        }
    )
    assert rows(book) == [(2, ["007", "7", "2.5", "2025-01-01", "TRUE"])]


def test_the_first_sheet_with_rows_is_read_unless_another_is_chosen():
    book = workbook({"Empty": [], "One": [[text("a")], [text("1")]], "Two": [[text("b")], [text("2")]]})
    assert (table(book).sheet, table(book).sheets) == ("One", ["Empty", "One", "Two"])
    assert rows(book, sheet="Two") == [(2, ["2"])]
    with pytest.raises(Unreadable, match="has no sheet “Three”; there are: “Empty”, “One”, “Two”"):
        table(book, sheet="Three")


def test_rows_of_a_sheet_have_the_numbers_beside_them_though_the_table_begins_further_down():
    book = workbook({"A": [None, None, [None, text("a"), text("b")], None, [None, text("1"), text("2")]]})
    assert table(book).header == 3
    assert rows(book) == [(5, ["1", "2"])]


def test_a_merged_cell_says_the_same_in_each_of_its_rows():
    cells = [[text("region"), text("town")], [text("North"), text("Oslo")], [None, text("Bergen")]]
    book = workbook({"A": cells}, merged="A2:A3")
    assert rows(book) == [(2, ["North", "Oslo"]), (3, ["North", "Bergen"])]


def test_a_sheet_that_claims_a_billion_cells_costs_its_process_and_no_more():
    book = workbook({"A": [[text("a")]]}, more='<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    with pytest.raises(Unreadable, match="may be damaged or too large"):
        list(table(book).rows())


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(kinds, "MOST_UNPACKED", 2000)
    with pytest.raises(Unreadable, match="unpacks to more than"):
        table(workbook({"A": [[text("x" * 5000)]]}))


def test_a_workbook_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(sheets, "SECONDS", 0.001)
    with pytest.raises(Unreadable, match="Save the sheet as CSV"):
        list(table(workbook({"A": [[text("a")]]})).rows())


def test_an_old_workbook_is_read_too():
    found = table(old_workbook([["sku", "count"], ["007", 7.0], ["A1", 2.5]]))
    assert found.kind == "xls"
    assert found.headers == ["sku", "count"]
    assert [row.cells for row in found.rows()] == [["007", "7"], ["A1", "2.5"]]


def test_a_large_file_is_read_in_little_memory():
    content = b"a,b,c\n" + b'"x\ny",2,3\n' * 200_000
    stream = io.BytesIO(content)
    read = open_table(stream)
    tracemalloc.start()
    with pytest.raises(Unreadable, match="more than 100,000 rows"):
        for _ in read.rows():
            pass
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


def test_the_limit_of_a_cell_is_ours_whatever_the_module_says():
    assert csv.field_size_limit() == base.MAX_CELL
    assert rows(f"a,b\n1,{'x' * 200_000}\n")[0][1][1] == "x" * 200_000


def test_reading_needs_no_django():
    code = "import sys; import imports.reading; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_headers_are_matched_by_the_names_a_column_is_known_as():
    columns = {"name": ["name", "Client"], "domain": ["domain", "web site"], "city": ["city"]}
    assert matching.proposed(["CLIENT", "Web-Site", "Größe"], columns) == {"name": "CLIENT", "domain": "Web-Site"}
    assert matching.proposed(["Client", "Name"], columns) == {"name": "Name"}
    assert matching.proposed(["Namé"], columns) == {"name": "Namé"}
    assert matching.proposed(["name", "Name"], columns) == {"name": "name"}


def test_a_sheet_that_claims_the_furthest_cell_costs_its_process_and_not_the_site():
    far = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c></row>'
    content = workbook({"One": [[text("id")], [text("1")]]}, more=far)
    with pytest.raises(Unreadable, match=r"may be damaged or too large|columns"):
        list(open_table(io.BytesIO(content)).rows())


def test_a_workbook_merged_over_two_billion_cells_is_read_as_it_is_without_the_merge():
    content = workbook({"One": [[text("id"), text("name")], [text("1"), text("Ann")]]}, merged="A2:XFD1048576")
    rows = list(open_table(io.BytesIO(content)).rows())
    assert rows[0].cells[:2] == ["1", "Ann"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xef\xbb\xbf\r\n<html><table><tr><td>a</td></tr></table>", "This is a web page"),
        (b"<!DOCTYPE HTML><html>", "This is a web page"),
        (b"<TABLE border=1>", "This is a web page"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:x">', "This is an XML file"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "This is a web archive"),
    ],
)
def test_what_only_calls_itself_a_workbook_is_named(content, words):
    with pytest.raises(Unreadable, match=words):
        open_table(io.BytesIO(content))


@pytest.mark.parametrize(
    ("number", "shown"),
    [(1234567890123456.0, "1234567890123456"), (9007199254740992.0, "9007199254740992"), (7.5, "7.5")],
)
def test_a_whole_number_of_sixteen_digits_has_no_fraction(number, shown):
    assert sheet_process.words(number) == shown
