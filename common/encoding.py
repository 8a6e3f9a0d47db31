"""From bytes to text: byte order mark, UTF-8, UTF-8 with stray bytes of Windows, then what the letters tell.

The whole file decides, not its beginning: a letter that no German word has may come in the last line.
"""

import codecs
import io
from typing import BinaryIO

from common import letters

# The UTF-32 marks begin with the UTF-16 ones, so they are tried first.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MIXED = "utf-8+cp1252"
"""UTF-8 in which single bytes are Windows-1252, as where lines of two files were joined. Known to Python as a codec."""
OFFERED = (
    ("utf-8", "UTF-8"),
    (MIXED, "UTF-8 with stray Windows characters"),
    ("utf-16", "UTF-16"),
    ("cp1252", "Western (Windows-1252)"),
    ("cp1250", "Central European (Windows-1250)"),
    ("cp1251", "Cyrillic (Windows-1251)"),
    ("cp1253", "Greek (Windows-1253)"),
    ("cp1254", "Turkish (Windows-1254)"),
    ("cp1255", "Hebrew (Windows-1255)"),
    ("cp1256", "Arabic (Windows-1256)"),
    ("mac_roman", "Western (Mac)"),
    ("shift_jis", "Japanese (Shift JIS)"),
    ("gb18030", "Chinese, simplified (GB 18030)"),
    ("big5", "Chinese, traditional (Big5)"),
    ("euc_kr", "Korean (EUC-KR)"),
)
_SAMPLE = 64 * 1024
_CHUNK = 256 * 1024
_BEYOND = bytes(range(128, 256))
_WINDOWS = "windows-1252"


class UnknownEncoding(ValueError):
    """These bytes are no text in any encoding that can be told; the message says which kind of trouble it is."""


class NoText(UnknownEncoding):
    """These bytes are no text at all."""


class Damaged(UnknownEncoding):
    """The file begins in an encoding that it does not keep to; the message is the encoding's name."""


def decoded(content: bytes) -> str:
    """The text of these bytes, without its byte order mark; raises UnknownEncoding."""
    text = content.decode(encoding_of(io.BytesIO(content)))
    return text.removeprefix("\ufeff")


def encoding_of(stream: BinaryIO) -> str:
    """The encoding with which the whole of a seekable stream can be read; it stands at its beginning afterwards."""
    stream.seek(0)
    head = stream.read(_SAMPLE)
    stream.seek(0)
    marked = next((encoding for mark, encoding in BYTE_ORDER_MARKS if head.startswith(mark)), "") or _wide(head)
    if marked and fits(stream, marked):
        return marked
    if marked and not (marked == "utf-8-sig" and _is_mixed(stream)):
        raise Damaged(marked)
    if _looks_binary(head):
        raise NoText("no text")
    if fits(stream, "utf-8"):
        return "utf-8"
    if _is_mixed(stream):
        return MIXED
    for encoding in _guesses(_telling(stream)):
        if fits(stream, encoding):
            return encoding
    raise UnknownEncoding("no encoding fits")


def fits(stream: BinaryIO, encoding: str) -> bool:
    """Whether every byte of the stream can be read so; it stands at its beginning afterwards."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    stream.seek(0)
    try:
        while chunk := stream.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    finally:
        stream.seek(0)
    return True


def is_known(encoding: str) -> bool:
    """Whether Python can read and write text in an encoding of this name."""
    try:
        codecs.getincrementaldecoder(encoding)
        "".encode(encoding)
    except (LookupError, ValueError):
        return False
    return True


def _guesses(sample: bytes) -> list[str]:
    """The encodings that may be meant, the likeliest first: by the letters, then by a detector of more encodings."""
    from charset_normalizer import from_bytes

    if (plain := letters.encoding_of(sample)) is not None:
        return [plain, "cp1252"] if plain != "cp1252" else ["cp1252"]
    found = [
        match.encoding for match in from_bytes(sample, cp_isolation=[name for name, _ in OFFERED if name != MIXED])
    ]
    return list(dict.fromkeys([*found, "cp1252"]))


def _is_mixed(stream: BinaryIO) -> bool:
    """Whether characters of UTF-8 are at least as many as bytes that Windows alone explains."""
    whole = beyond = in_utf8 = 0
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        text = decoder.decode(chunk)
        characters = "".join(character for character in text if character > "\x7f")
        whole += len(characters)
        in_utf8 += len(characters.encode())
        beyond += len(chunk) - len(chunk.translate(None, _BEYOND))
    stream.seek(0)
    return 0 < beyond - in_utf8 <= whole and fits(stream, MIXED)


def _wide(head: bytes) -> str:
    """Which UTF-16 it is without a mark: nearly every second byte of Western text is NUL."""
    half = len(head) // 2
    if half < 4:
        return ""
    even, odd = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.1 * half:
        return "utf-16-be"
    return ""


def _looks_binary(head: bytes) -> bool:
    odd = sum(head.count(code) for code in range(32) if code not in b"\t\n\r\f\v\x1a\x1b")
    return odd > max(4, len(head) // 50)


def _telling(stream: BinaryIO) -> bytes:
    """Lines beyond ASCII from wherever they are: the first ones, and later ones with bytes that were not seen yet."""
    found: list[bytes] = []
    length, rare = 0, set(range(128, 256))
    seen = dict.fromkeys(rare, 0)
    while length < 4 * _SAMPLE and rare and (line := stream.readline(_CHUNK)):
        if line.isascii():
            continue
        if length < _SAMPLE or not rare.isdisjoint(line):
            found.append(line)
            length += len(line)
            for code in rare.intersection(line):
                seen[code] += 1
            rare = {code for code in rare if seen[code] < 3}
    stream.seek(0)
    return b"".join(found)


def _from_windows(error: UnicodeError) -> tuple[str, int]:
    """Read the bytes that are no UTF-8 as Windows means them; those that Windows does not have stay errors."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252"), error.end


class _MixedDecoder(codecs.BufferedIncrementalDecoder):
    """UTF-8 piece by piece, with Windows' bytes between, and without the mark at its beginning."""

    _begun = False

    def _buffer_decode(self, data: bytes, errors: str, final: bool) -> tuple[str, int]:  # type: ignore[override]
        text, used = codecs.utf_8_decode(data, _WINDOWS, final)
        if text and not self._begun:
            self._begun, text = True, text.removeprefix("\ufeff")
        return text, used

    def reset(self) -> None:
        super().reset()
        self._begun = False

    def setstate(self, state: tuple[bytes, int]) -> None:
        super().setstate(state)
        # A text that is read again from its beginning has its mark again.
        self._begun = bool(state[1])

    def getstate(self) -> tuple[bytes, int]:
        return super().getstate()[0], int(self._begun)


def _mixed(name: str) -> codecs.CodecInfo | None:
    if name != "utf_8_cp1252":  # as Python spells the name when it looks for it
        return None
    return codecs.CodecInfo(
        encode=codecs.utf_8_encode,
        decode=lambda data, errors="strict": codecs.utf_8_decode(data, _WINDOWS, True),
        incrementalencoder=codecs.getincrementalencoder("utf-8"),
        incrementaldecoder=_MixedDecoder,
        name=MIXED,
    )


codecs.register_error(_WINDOWS, _from_windows)
codecs.register(_mixed)
