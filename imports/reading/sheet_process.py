"""The process that reads one workbook: `{"sheets", "sheet"}` as a line of JSON, then each row as `[number, cells]`."""

import json
import resource
import sys
from datetime import date, datetime, time, timedelta
from typing import Any

MEMORY = 1024 * 1024 * 1024
# Up to here a workbook's numbers hold every whole number.
_WHOLE = 2.0**53
_MOST_MERGED = 100_000


def limit(seconds: int) -> None:
    """Bound processor time and memory; where the system has no such limit, the caller's clock remains."""
    for kind, bound in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, MEMORY)):
        try:
            resource.setrlimit(kind, (bound, bound))
        except (ValueError, OSError):
            continue


def words(value: Any) -> str:
    """Return a typed cell as a person sees it: 7.0 is 7, a day without a time is a day, text stays as it is."""
    match value:
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) <= _WHOLE else repr(value)
        case datetime():
            whole = value.time() == time(0)
            return value.date().isoformat() if whole else value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
    return "" if value is None else str(value)


def merged(sheet: Any) -> dict[tuple[int, int], tuple[int, int]]:
    """Return for each cell within a merged one, by row and column from 0, the one that has the value."""
    inside: dict[tuple[int, int], tuple[int, int]] = {}
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if len(inside) + (bottom - top + 1) * (right - left + 1) > _MOST_MERGED:
            break
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                inside[row, column] = top, left
    return inside


def main(path: str, wanted: str) -> None:
    """Write the rows of a sheet: the one of this name, or the first that has rows."""
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
    except python_calamine.PasswordError:
        sys.stdout.write(json.dumps({"refused": "password"}))
        return
    names = book.sheet_names
    if wanted and wanted not in names:
        sys.stdout.write(json.dumps({"refused": "sheet", "sheets": names}))
        return
    sheet: Any = None
    for name in [wanted] if wanted else names:
        sheet = book.get_sheet_by_name(name)
        if sheet.end is not None:
            break
    sys.stdout.write(json.dumps({"sheets": names, "sheet": sheet.name if sheet else ""}) + "\n")
    if sheet is not None and sheet.end is not None:
        write_rows(sheet)


def write_rows(sheet: Any) -> None:
    """Write each row with the number that a spreadsheet program shows beside it."""
    inside, left = merged(sheet), sheet.start[1]
    values: dict[tuple[int, int], str] = {}
    tops = set(inside.values())
    for row, cells in enumerate(sheet.iter_rows()):
        line = [words(cell) for cell in cells]
        if inside:
            for column in range(len(line)):
                place = row, column + left
                if place in tops:
                    values[place] = line[column]
                elif place in inside:
                    line[column] = values.get(inside[place], "")
        sys.stdout.write(json.dumps([row + 1, line]) + "\n")


if __name__ == "__main__":
    limit(int(sys.argv[1]))
    main(sys.argv[2], sys.argv[3])
