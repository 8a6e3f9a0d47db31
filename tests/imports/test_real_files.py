"""The real files of the shared folder: every one is read with the right cells, or refused in words."""

import gzip
import io
import json
from pathlib import Path

import pytest

from imports.reading import Unreadable, open_table

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "csv"

pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason=f"no folder {REAL.relative_to(ROOT.parent)} beside the project"
)

# Encoding, delimiter, line and first names of the header, number of rows, and first cells by line.
FILES = {
    "fl_[table].csv": ("utf-8", ",", 1, ["id", "name"], 2, {3: ["2", "中国人"]}),
    "fl_ascii-notvalid.csv": ("utf-8", ",", 1, ["A", "B", "C"], 1, {2: ["1", "ssµ", "ab€"]}),
    "fl_blank-headers.csv": ("utf-8", ",", 1, ["id", "Column 2", "age"], 2, {3: ["1102", "Julie", "26"]}),
    "fl_blank-rows.csv": ("utf-8", ",", 1, ["id", "name", "age"], 2, {3: ["1102", "Julie", "26"]}),
    "fl_bom.csv": ("utf-8-sig", ",", 1, ["id", "name"], 2, {3: ["2", "中国人"]}),
    "fl_defective-rows.csv": ("utf-8", ",", 1, ["id", "name", "age"], 2, {3: ["1102", "Julie", "26", "Potatoes"]}),
    "fl_doublequote.csv": ("utf-8", ",", 1, ["INCISO", "NOMBREINCISO"], 5, {2: ["A.N.E.P."]}),
    "fl_duplicate-column.csv": ("utf-8", ",", 1, ["A", "B", "B (2)", "C"], 1, {2: ["a", "b", "C", "c"]}),
    "fl_duplicate-headers.csv": (
        *("utf-8", ",", 1, ["id", "name", "id (2)", "age", "id (3)"], 2),
        {3: ["1102", "Julie", "0", "26", "001102"]},
    ),
    "fl_escaping.csv": ("utf-8", ",", 1, ["ID", "Test"], 3, {3: ["2", 'Test " line 2'], 4: ["3", 'Test " line 3']}),
    "fl_issue-1066-largecellsize.csv": ("utf-8", ",", 1, ["Description", "status"], 19, {}),
    "fl_latin1.csv": ("cp1252", ",", 1, ["id", "name"], 2, {3: ["2", "©"]}),
    "fl_leading-zeros.csv": ("utf-8", ",", 1, ["value"], 3, {2: ["01"], 3: ["002"], 4: ["00003"]}),
    "fl_sheets.xlsx": ("", "", 1, ["id", "name"], 1, {2: ["1", "london"]}),
    "fl_structure-errors.csv": ("utf-8", ",", 1, ["id", "name", "age"], 3, {3: ["1102", "Julie", "26"]}),
    "fl_table-10x10k.csv": (
        *("utf-8", ",", 1, ["string", "integer"], 9999),
        {2: ["hp3xij", "57570"], 10000: ["tvkb2w", "61556", "397.12"]},
    ),
    "generated_products_100k_dev.csv.gz": (
        *("utf-8", ",", 1, ["country", "product_type", "mpn", "size"], 100_000),
        {2: ["UK", "poster, framed", "MPN-1-000000", "8x10"], 18: ["日本", "poster, framed", "MPN-1-000015"]},
    ),
    "generated_products_23_dev.csv": (
        *("utf-8", ",", 1, ["country", "product_type", "mpn", "size"], 23),
        {2: ["France", "phone\ncase", "MPN-11-000000", "30×40 cm"], 4: ["UK", "photo book"]},
    ),
    "horror_characters.csv": (
        "big5",
        ",",
        1,
        ["id", "景點編號", "景點中文名稱"],
        382,
        {3: ["v_2", "C1_395000000A_000002", "蘆竹溝"]},
    ),
    "horror_example.tsv": (
        "utf-8",
        "\t",
        1,
        ["hour", "expr1_0_imp"],
        140,
        {2: ["2012-06-22 00:00:00", "15955", "144"]},
    ),
    "horror_excel_pasting.csv": (
        *("utf-8", ",", 4, ["Year", "2000", "2001"], 16),
        {
            5: ["Timber", "2,666"],
            14: ["Machinery and \nequipment", "27,173"],
            16: ["Pulp, paper, publishing\nand printing"],
        },
    ),
    "horror_null.csv": ("utf-8", ",", 1, ["1", "null", "0", "0 (2)"], 9, {3: ["3", "null", "", ""]}),
    "horror_simple.psv": (
        "utf-8",
        "|",
        1,
        ["Year", "New dwellings"],
        28,
        {2: ["1986", "44000"], 29: ["2013", "240000"]},
    ),
    "horror_simple.ssv": ("utf-8", ";", 1, ["date", "temperature", "place"], 6, {3: ["2011-01-02", "-1", "Galway"]}),
    "horror_simple.xlsx": ("", "", 1, ["date", "temperature", "place"], 6, {3: ["2011-01-02", "-1", "Galway"]}),
    "horror_skip_initials.csv": ("utf-8", ",", 1, ["field1", "field2"], 2, {2: ["hello", "goodbye"]}),
    "horror_spanish_chars.csv": (
        *("cp1252", ",", 1, ["GF_ID", "FN_ID"], 115),
        {2: ["1", "", "", "Gobierno"], 3: ["", "0", "", "", "Legislación"]},
    ),
    "horror_utf8bom.csv": ("utf-8-sig", ",", 1, ["kitten", "win"], 0, {}),
    "papa_utf-8-bom-sample.csv": ("utf-8-sig", ",", 1, ["A", "B", "C"], 1, {2: ["X", "Y", "Z"]}),
}
REFUSED = {"fl_empty.csv": "The file is empty; there are no rows in it."}


def content(name):
    raw = (REAL / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


def read(name):
    table = open_table(io.BytesIO(content(name)))
    return table, list(table.rows())


def test_every_file_of_the_folder_is_named_here_or_has_its_cells_beside_it():
    known = {*FILES, *REFUSED, *(path.name.replace(".expected.json", ".csv") for path in REAL.glob("*.expected.json"))}
    assert {path.name for path in REAL.iterdir() if not path.name.endswith(".expected.json")} == known


@pytest.mark.parametrize("name", FILES)
def test_the_cells_are_those_of_the_file(name):
    encoding, delimiter, header, headers, count, some = FILES[name]
    table, rows = read(name)
    assert (table.encoding, table.delimiter, table.header) == (encoding, delimiter, header)
    assert table.headers[: len(headers)] == headers
    assert len(rows) == count
    at = {row.number: row.cells for row in rows}
    assert {line: at[line][: len(cells)] for line, cells in some.items()} == some


@pytest.mark.parametrize(
    "path", sorted(REAL.glob("*.expected.json")) if REAL.is_dir() else [], ids=lambda path: path.name
)
def test_the_cells_are_those_that_are_expected(path):
    table, rows = read(path.name.replace(".expected.json", ".csv"))
    assert [dict(zip(table.headers, row.cells, strict=True)) for row in rows] == json.loads(path.read_text())


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_without_rows_is_refused_in_words(name):
    with pytest.raises(Unreadable) as refused:
        read(name)
    assert str(refused.value) == REFUSED[name]


def test_problems_name_the_lines_of_the_file():
    lines = content("generated_products_100k_dev.csv.gz").decode().split("\r\n")
    _, rows = read("generated_products_100k_dev.csv.gz")
    bad = [row for row in rows if row.problem]
    assert len(bad) == 1923
    physical = content("generated_products_100k_dev.csv.gz").decode().splitlines()
    assert all(row.problem.startswith(f"Line {row.number} has ") for row in bad)
    assert all(physical[row.number - 1].startswith(row.cells[0]) for row in bad)
    assert len(lines) == 100_002
