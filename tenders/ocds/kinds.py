"""What kind of notice a tender is, and what kind of public body asks: told from their words."""

import functools
import re

CLASSES = {
    "RFQ": "Request for quotation",
    "RFP": "Request for proposals",
    "RFI": "Request for information",
    "EOI": "Expression of interest",
    "Bid": "Open bid",
    "Contract": "Contract",
    "Pre-qualification": "Pre-qualification",
    "Framework": "Framework",
    "Price-Quotation": "Price quotation",
    "Other": "Other",
}
# In this order: the first that fits decides.
_CLASSES = (
    ("Price-Quotation", ("price quotation", "competitive quotation", "written (price )?quot")),
    ("RFQ", ("request for quot", r"\brfq\b", "quotation")),
    ("RFP", ("request for proposal", r"\brfp\b")),
    ("RFI", ("request for information", r"\brfi\b", "market engagement", "early engagement")),
    ("EOI", ("expression of interest", r"\beoi\b")),
    ("Pre-qualification", ("pre-?qualif", r"\bpqq\b", "database of (service )?providers", "panel of")),
    ("Framework", ("framework", "dynamic purchasing", "call-off")),
    ("Contract", ("direct award", "single tender action", "without prior publication", "limited bid", r"\bcontract\b")),
    ("Bid", ("request for bid", r"\bbid\b", "tender", "open procedure", "restricted", "competitive", "negotiated")),
)
_PROVINCES = (
    "eastern cape|free state|gauteng|kwa ?zulu[- ]natal|limpopo",
    "mpumalanga|north west|northern cape|western cape",
)
_STATE_OWNED = "eskom|transnet|prasa|sanral|acsa|denel|sentech|telkom|umgeni|petrosa|necsa"
_UK_DEPARTMENTS = (
    "business|culture|digital|education|energy|environment|health|international|levelling|science|transport|work"
)
_ORGANS = (
    (
        "Municipality",
        ("municipal", "^city of", r"\bmetro\b", "borough", "(county|city|district|town) council", "parish"),
    ),
    # After the letters of the law; before health, which knows "trust" by its NHS alone.
    (
        "Housing association",
        (r"\bhousing (association|trust|partnership|group|society|limited|ltd)\b", r"\bhomes (ltd|limited|group)\b"),
    ),
    ("State-owned company", (rf"\b({_STATE_OWNED})\b", "rand water", "sa post office", r"\bsoc\b")),
    (
        "National department",
        (
            r"^national\s*-",
            "^ministry",
            "national treasury",
            "cabinet office",
            "^hm ",
            rf"^(the )?department (for|of) ({_UK_DEPARTMENTS})",
            r"^(foreign|home) .*office$|^home office",
        ),
    ),
    ("Provincial department", (rf"^({'|'.join(_PROVINCES)})\s*-",)),
    ("Education", ("universit", "college", "school", "academy", r"\btvet\b")),
    ("Health", ("hospital", r"\bnhs\b", "clinic", "laborator")),
    (
        "Public entity",
        (
            "association of .{1,60} councils",
            r"\b(research|arts|sports|medical|design|british) council\b",
            "council (for|of)\\b",
        ),
    ),
    ("Municipality", (r"\bcouncil\b( \(\w+\))?$",)),
    ("Public entity", ("council", "authority", "agency", "institute", "foundation", "regulator", "bureau", "board")),
    ("Public entity", ("commission", "trust", "limited", r"\bfund\b", "corporation", "office")),
)


def _compiled(table: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile("|".join(patterns))) for name, patterns in table)


_CLASS_PATTERNS, _ORGAN_PATTERNS = _compiled(_CLASSES), _compiled(_ORGANS)


# Few words and names come again and again.
@functools.lru_cache(maxsize=4096)
def class_of(words: str) -> str:
    """Return the class of a procurement method or type, empty when there are no words."""
    if not words:
        return ""
    lowered = words.lower()
    return next((name for name, pattern in _CLASS_PATTERNS if pattern.search(lowered)), "Other")


@functools.lru_cache(maxsize=4096)
def organ_of(name: str) -> str:
    """Return what kind of public body carries this name, empty when its name does not tell."""
    lowered = name.strip().lower()
    return next((kind for kind, pattern in _ORGAN_PATTERNS if pattern.search(lowered)), "") if lowered else ""
