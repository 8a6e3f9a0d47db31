"""Which encoding of eight bits, or of East Asia, a text is in, by the letters that its languages have.

A detector that compares how messy a text looks takes German for Central European and a page of • for Mac: to it they
are equally clean. Languages tell better: Czech words have ř and ě and no ø.
"""

from collections import Counter
from collections.abc import Iterator

_WESTERN = (
    "äöüß",  # German
    "àâçéèêëîïôùûüÿœæ",  # French
    "áéíñóúüªº",  # Spanish
    "àáâãçéêíóôõúüªº",  # Portuguese
    "àèéìíîòóùú",  # Italian
    "àáçèéíïòóúü",  # Catalan
    "åäöæøéüà",  # the North
    "áðéíóúýþæö",  # Icelandic
    "éëïèöüáó",  # Dutch, and what English borrows
)
_CENTRAL = (
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýž",  # Czech
    "áäčďéíĺľňóôŕšťúýž",  # Slovak
    "áéíóöőúüű",  # Hungarian
    "ăâîşţșț",  # Romanian
    "čćđšž",  # Croatian, Slovene
)
LANGUAGES: dict[str, tuple[str, ...]] = {
    "cp1252": _WESTERN,
    "cp1250": _CENTRAL,
    "cp1254": ("çğıöşüâîû",),
    "mac_roman": _WESTERN,
}
# The commonest letters, which are two thirds of a text in the language and far less in another's disguise.
SCRIPTS: dict[str, str] = {
    "cp1251": "оеаинтсрвлкм",
    "cp1253": "αοιετσνηυρκπ",
    "cp1255": "יוהלארתבשמםנ",
    "cp1256": "ايلمونرتبعدة",
}
_WITHIN_WORDS = "\u2019'·-\u2010\u2011"
# Another encoding than that of most files has to explain this much more of the letters.
_MARGIN = 0.1
_ENOUGH = 0.8


def encoding_of(sample: bytes) -> str | None:
    """The encoding that explains the bytes beyond ASCII, or None where neither of those known here does."""
    beyond = [code for code in sample if code > 127]
    if not beyond:
        return "cp1252"
    if _only_signs(beyond):
        return "cp1252" if _coverage(sample, "cp1252") >= _coverage(sample, "mac_roman") - 0.5 else "mac_roman"
    if (asian := _east_asian(sample)) is not None:
        return asian
    if _neighbours(sample) > 0.6:
        return _script(sample)
    return _latin(sample)


def _only_signs(beyond: list[int]) -> bool:
    """Whether there is one and the same sign again and again: €, °, ±, •, ™."""
    return len(set(beyond)) == 1 and _is_sign(bytes(beyond[:1]).decode("cp1252", "replace"))


def _is_sign(character: str) -> bool:
    return not character.isalpha() or character in "µªº"


def _latin(sample: bytes) -> str | None:
    """The encoding whose one language explains the most; that of most Western files if none is clearly better."""
    found = {encoding: _coverage(sample, encoding) for encoding in LANGUAGES}
    best = max(found, key=lambda encoding: found[encoding])
    if found[best] >= _ENOUGH and found[best] > found["cp1252"] + _MARGIN:
        return best
    return "cp1252" if found["cp1252"] > 0.4 else None


def _coverage(sample: bytes, encoding: str) -> float:
    """The share of the characters beyond ASCII that one language has, in places where it has them."""
    placed = Counter(_placed(sample.decode(encoding, "replace")))
    total = placed.total() or 1
    signs = sum(
        count for (character, fits), count in placed.items() if fits and (not character.isalpha() or character == "µ")
    )
    most = 0
    for language in LANGUAGES[encoding]:
        known = {*language, *language.upper(), *("İ" if "ı" in language else "")}
        most = max(most, sum(count for (one, fits), count in placed.items() if fits and one in known))
    return (signs + most) / total


def _placed(text: str) -> Iterator[tuple[str, bool]]:
    """Each character beyond ASCII, and whether it stands where such a character may stand."""
    padded = f" {text} "
    for position in range(1, len(padded) - 1):
        if (character := padded[position]) > "\x7f":
            yield character, _may_stand(padded[position - 1], character, padded[position + 1])


def _may_stand(before: str, character: str, after: str) -> bool:
    if character == "\ufffd" or not (character.isprintable() or character.isspace()):
        return False
    if character == "µ":
        return not before.isalpha()
    if not character.isalpha():
        return not (before.isalpha() and after.isalpha()) or character in _WITHIN_WORDS
    if character in "ªº":
        return before.isdigit() or before == "."
    if character.isupper() and before.islower():
        return False
    if character in "þÞ" and before.isalpha():
        return False
    return before.isalpha() or after.isalpha() or character in "àáéèêóoíúyÀÁÉÓåæøö"


def _neighbours(sample: bytes) -> float:
    """The share of letters beyond ASCII that stand beside another one: few in Latin words, nearly all elsewhere."""
    letters = [position for position, code in enumerate(sample) if code >= 0xC0]
    if not letters:
        return 0
    there = set(letters)
    return sum(1 for position in letters if position - 1 in there or position + 1 in there) / len(letters)


def _script(sample: bytes) -> str | None:
    shares = {}
    for encoding, common in SCRIPTS.items():
        text = [character for character in sample.decode(encoding, "replace").lower() if character > "\x7f"]
        letters = [character for character in text if character.isalpha()]
        known = sum(1 for character in letters if character in common)
        odd = sum(1 for character in text if character == "\ufffd")
        shares[encoding] = (known - 2 * odd) / (len(letters) or 1)
    best = max(shares, key=lambda encoding: shares[encoding])
    return best if shares[best] > 0.45 else None


def _east_asian(sample: bytes) -> str | None:
    """Japanese by its kana, Korean by its syllables, Chinese by the part of the table with common characters."""
    japanese = _strict(sample, "shift_jis")
    if japanese and _share(japanese, "\u3041", "\u30ff") > 0.2 and _share(japanese, "\uff61", "\uff9f") < 0.1:
        return "shift_jis"
    korean = _strict(sample, "euc_kr")
    if korean and _share(korean, "\uac00", "\ud7a3") > 0.9:
        return "euc_kr"
    pairs = _pairs(sample)
    common = sum(1 for first, second in pairs if (0xB0 <= first <= 0xD7 or first in (0xA1, 0xA3)) and second >= 0xA1)
    chinese = _strict(sample, "gb18030")
    if len(pairs) > 3 and chinese and common > 0.9 * len(pairs) and _share(chinese, "\u3000", "\uffef") > 0.9:
        return "gb18030"
    traditional = _strict(sample, "big5")
    usual = sum(1 for first, _ in pairs if 0xA1 <= first <= 0xC6)
    low = any(0x40 <= second < 0x80 for _, second in pairs)
    if (
        len(pairs) > 3
        and traditional
        and low
        and usual > 0.9 * len(pairs)
        and _share(traditional, "\u3000", "\uffef") > 0.9
    ):
        return "big5"
    return None


def _strict(sample: bytes, encoding: str) -> str:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return ""


def _share(text: str, first: str, last: str) -> float:
    """The share of the characters beyond ASCII that lie between these two; punctuation of East Asia does not count."""
    beyond = [character for character in text if character > "\x7f" and not "\u3000" <= character <= "\u3020"]
    return sum(1 for character in beyond if first <= character <= last) / (len(beyond) or 1)


def _pairs(sample: bytes) -> list[tuple[int, int]]:
    pairs, position = [], 0
    while position < len(sample) - 1:
        if sample[position] > 127:
            pairs.append((sample[position], sample[position + 1]))
            position += 1
        position += 1
    return pairs
