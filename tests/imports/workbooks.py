"""Workbooks made for tests: .xlsx from parts, .xls from records."""

import io
import struct
import zipfile
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_STYLES = f"""<styleSheet xmlns="{_MAIN}"><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>
<cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>
</styleSheet>"""


def text(words):
    """A cell of text."""
    return f'<c r="{{ref}}" t="inlineStr"><is><t>{escape(words)}</t></is></c>'


def number(value, style=0):
    """A cell with a number; style 1 shows it as a day."""
    return f'<c r="{{ref}}" s="{style}"><v>{value}</v></c>'


def workbook(sheets, *, merged="", more=""):
    """The bytes of a workbook: sheets by name, each a list of rows (None for a blank one) of cells (None for blank)."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as parts:
        names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, 1))
        books = "".join(
            f'<Relationship Id="rId{n}" Type="{_REL}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        styles = f'<Relationship Id="styles" Type="{_REL}/styles" Target="styles.xml"/>'
        office = f'<Relationship Id="rId1" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/>'
        types = "http://schemas.openxmlformats.org/package/2006/content-types"
        parts.writestr(
            "[Content_Types].xml", f'<Types xmlns="{types}"><Default Extension="xml" ContentType="x/y"/></Types>'
        )
        parts.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}">{office}</Relationships>')
        parts.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{books}{styles}</Relationships>'
        )
        parts.writestr("xl/styles.xml", _STYLES)
        parts.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{names}</sheets></workbook>'
        )
        for n, rows in enumerate(sheets.values(), 1):
            parts.writestr(f"xl/worksheets/sheet{n}.xml", _sheet(rows, merged, more))
    return packed.getvalue()


def _sheet(rows, merged, more):
    lines = []
    for n, row in enumerate(rows, 1):
        cells = [cell.format(ref=f"{chr(64 + at)}{n}") for at, cell in enumerate(row or [], 1) if cell]
        lines.append(f'<row r="{n}">{"".join(cells)}</row>' if cells else "")
    joined = f'<mergeCells><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}{more}</sheetData>{joined}</worksheet>'


def old_workbook(rows):
    """The bytes of a bare BIFF2-in-OLE workbook, enough for a reader: one sheet of text and numbers."""
    stream = _biff(rows)
    return _ole(b"Workbook", stream)


def _record(code, data):
    return struct.pack("<HH", code, len(data)) + data


def _biff(rows):
    name = b"Sheet1"
    begin = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6))
    end = _record(0x000A, b"")
    bound = lambda at: _record(0x0085, struct.pack("<IBBBB", at, 0, 0, len(name), 0) + name)  # noqa: E731
    codepage = _record(0x0042, struct.pack("<H", 1200))
    front = begin + codepage
    start = len(front) + len(bound(0)) + len(end)
    sheet = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6))
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if isinstance(value, str):
                raw = value.encode("latin-1")
                sheet += _record(0x0204, struct.pack("<HHHHB", r, c, 0, len(raw), 0) + raw)
            else:
                sheet += _record(0x0203, struct.pack("<HHHd", r, c, 0, value))
    return front + bound(start) + end + sheet + end


def _ole(name, stream):
    """Put a stream into a compound file: header, one sector of the allocation table, the directory, the stream."""
    stream = stream.ljust(4096, b"\0")
    stream += b"\0" * (-len(stream) % 512)
    count = len(stream) // 512
    fat = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, 2 + count), 0xFFFFFFFE]
    fat += [0xFFFFFFFF] * (128 - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<I", 0) + struct.pack("<I", 0xFFFFFFFF) * 108
    root = _entry("Root Entry", 5, child=1, start=0xFFFFFFFE, size=0)
    book = _entry(name.decode(), 2, child=0xFFFFFFFF, start=2, size=len(stream))
    directory = (root + book).ljust(512, b"\0")
    return header + struct.pack("<128I", *fat) + directory + stream


def _entry(name, kind, *, child, start, size):
    raw = (name + "\0").encode("utf-16-le")
    none = 0xFFFFFFFF
    head = raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, none, none, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)
