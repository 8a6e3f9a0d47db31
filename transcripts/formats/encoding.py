"""Turns the bytes of a text file into text: byte order mark, then UTF-8, then detection."""

import codecs

from transcripts.formats.base import UnreadableTranscript, named

# The UTF-32 marks begin with the UTF-16 ones, so they are tried first.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Detection reads this much; the encoding found then has to fit the whole file.
SAMPLE = 64 * 1024


def decode(content: bytes, filename: str) -> str:
    """The file as text, or a refusal when the bytes are no text in any encoding we can tell."""
    text = _decoded(content)
    if text is None or _looks_binary(text):
        raise UnreadableTranscript(
            f"{named(filename)} is not a text file that can be read; save it as UTF-8 and try again."
        )
    return text


def _decoded(content: bytes) -> str | None:
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return _strict(content[len(mark) :], encoding)
    if (wide := _wide_encoding(content)) is not None:
        return _strict(content, wide)
    if (text := _strict(content, "utf-8")) is not None:
        return text
    return _detected(content)


def _strict(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _wide_encoding(content: bytes) -> str | None:
    """UTF-16 without a mark: nearly every second byte of Western text is NUL."""
    sample = content[:2000]
    if len(sample) < 4 or len(content) % 2:
        return None
    half = len(sample) // 2
    if sample[1::2].count(0) > 0.7 * half and sample[0::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if sample[0::2].count(0) > 0.7 * half and sample[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return None


def _detected(content: bytes) -> str | None:
    from charset_normalizer import from_bytes

    matches = list(from_bytes(content[:SAMPLE]))
    # Of two that fit equally well, the encoding of most Western files is the better guess.
    western = [match for match in matches if match.encoding == "cp1252" and match.chaos <= matches[0].chaos]
    best = next(iter(western or matches), None)
    return _strict(content, best.encoding) if best is not None else None


def _looks_binary(text: str) -> bool:
    sample = text[:20_000]
    odd = sum(1 for character in sample if character < " " and character not in "\t\n\r\f\v")
    return odd > max(2, len(sample) // 200)
